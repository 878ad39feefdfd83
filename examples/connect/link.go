package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/postpress-ai/postpress-go"
)

// linker links one account and tells about it.
type linker struct {
	client  *postpress.Client
	out     *screen
	err     io.Writer
	phone   func(*postpress.Checkpoint) // what a person does with the double; nil with the API
	picture string                      // path of the QR code's file, if there is one
}

const phoneTakes = 1200 * time.Millisecond // from the code to the scan, on the double

// link gives the exit code.
func (l *linker) link(ctx context.Context, number string, timeout time.Duration) int {
	began := time.Now()
	link, err := l.client.LinkWhatsApp(ctx, postpress.LinkRequest{PhoneNumber: postpress.Secret(number)},
		postpress.WithLinkTimeout(timeout))
	if err != nil {
		return l.fail(ctx, err)
	}
	account, err := l.follow(ctx, link)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintf(l.err, "connect: interrupted; removing account %s, which may take some seconds\n", link.AccountID())
		account, err = l.abandon(link)
	case !ended(link):
		fmt.Fprintf(l.err, "connect: the code cannot be shown: %v\nconnect: with -phone, there is nothing to draw\n", err)
		account, err = l.abandon(link)
	}
	if err != nil {
		return l.fail(ctx, err)
	}
	fmt.Fprintf(l.out, "\nConnected account %s\n  phone number  +%s\n  time taken    %v\n",
		account.ID, account.PhoneNumber(), time.Since(began).Round(100*time.Millisecond))
	return exitConnected
}

func ended(link *postpress.Link) bool {
	select {
	case <-link.Done():
		return true
	default:
		return false
	}
}

// follow shows each step of the attempt, and how much time is left. It returns
// before the attempt has ended where ctx ends, or where a code cannot be shown.
func (l *linker) follow(ctx context.Context, link *postpress.Link) (*postpress.Account, error) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	steps := make(chan postpress.LinkStep)
	go func() {
		defer close(steps)
		for step, err := range link.Steps(ctx) {
			if err != nil {
				return
			}
			select {
			case steps <- step:
			case <-ctx.Done():
				return
			}
		}
	}()
	person := time.NewTimer(phoneTakes)
	defer person.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var current postpress.LinkStep
	for {
		select {
		case step, more := <-steps:
			if !more {
				l.out.line("")
				return link.Wait(ctx)
			}
			current = step
			person.Reset(phoneTakes)
			if err := l.step(step); err != nil {
				return nil, err
			}
		case <-person.C:
			if l.phone != nil && current.Checkpoint != nil {
				l.phone(current.Checkpoint)
			}
		case <-tick.C:
		}
		l.out.line(status(current))
	}
}

func (l *linker) step(step postpress.LinkStep) error {
	if step.State == postpress.LinkShow {
		return l.show(step.Checkpoint)
	}
	if !l.out.terminal {
		fmt.Fprintln(l.out, status(step))
	}
	return nil
}

// status is the line that is kept up to date.
func status(step postpress.LinkStep) string {
	switch step.State {
	case postpress.LinkShow:
		left := max(time.Until(step.Checkpoint.ExpiresAt), 0).Round(time.Second)
		return fmt.Sprintf("waiting for the phone, about %v left for this code", left)
	case postpress.LinkExpired:
		return "the code is no longer valid"
	case postpress.LinkConnecting:
		return "the phone has answered, connecting"
	}
	return string(step.State)
}

// abandon ends an attempt that nobody waits for any more, and cleans up after it.
func (l *linker) abandon(link *postpress.Link) (*postpress.Account, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := link.Cancel(ctx); err != nil {
		return nil, fmt.Errorf("account %s is left pending: %w", link.AccountID(), err)
	}
	return link.Wait(ctx) // the phone may have been faster
}

// fail says what went wrong and what the person can do, and gives the exit code.
func (l *linker) fail(ctx context.Context, err error) int {
	fmt.Fprintln(l.err, "connect:", err)
	var start *postpress.StartError
	var number *postpress.PhoneNumberError
	var link *postpress.LinkError
	if errors.As(err, &link) {
		for _, id := range link.LeftOver {
			fmt.Fprintf(l.err, "connect: account %s is left pending; the API ends the attempt five minutes after its start\n", id)
		}
	}
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &number):
		return exitUsage
	case errors.As(err, &start) && link == nil:
		fmt.Fprintf(l.err, "connect: account %s exists and is not linked; delete it or solve the checkpoint\n", start.AccountID)
	case errors.Is(err, postpress.ErrUnauthorized):
		fmt.Fprintln(l.err, "connect: check POSTPRESS_API_KEY")
	case errors.Is(err, postpress.ErrIntentExpired):
		return exitNotInTime
	}
	return exitFailed
}
