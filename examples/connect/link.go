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
	picture string // path of the QR code's file, if there is one
}

// link gives the exit code.
func (l *linker) link(ctx context.Context, phone string, timeout time.Duration) int {
	began := time.Now()
	link, err := l.client.LinkWhatsApp(ctx, postpress.LinkRequest{PhoneNumber: postpress.Secret(phone)},
		postpress.WithLinkTimeout(timeout))
	if err != nil {
		return l.fail(ctx, err)
	}
	account, err := l.follow(ctx, link)
	if ctx.Err() != nil {
		account, err = l.abandon(link)
	}
	if err != nil {
		return l.fail(ctx, err)
	}
	fmt.Fprintf(l.out, "\nConnected account %s\n  phone number  +%s\n  time taken    %v\n",
		account.ID, account.PhoneNumber(), time.Since(began).Round(100*time.Millisecond))
	return exitConnected
}

// follow shows each step of the attempt, and how much time is left.
func (l *linker) follow(ctx context.Context, link *postpress.Link) (*postpress.Account, error) {
	steps := make(chan postpress.LinkStep)
	go func() {
		defer close(steps)
		for step, err := range link.Steps(ctx) {
			if err == nil {
				steps <- step
			}
		}
	}()
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
			if err := l.step(step); err != nil {
				return nil, err
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
		return "the code is no longer valid, waiting for a new one"
	case postpress.LinkConnecting:
		return "the phone has answered, connecting"
	}
	return string(step.State)
}

// abandon ends an attempt that nobody waits for any more, and cleans up after it.
func (l *linker) abandon(link *postpress.Link) (*postpress.Account, error) {
	fmt.Fprintf(l.err, "connect: interrupted; removing account %s, which may take some seconds\n", link.AccountID())
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
