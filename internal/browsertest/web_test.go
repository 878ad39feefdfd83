package browsertest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// bar is generous: the machines that run this are shared. What was measured is logged.
const bar = 3 * time.Second

func measured(t *testing.T, what string, ms float64) {
	t.Helper()
	took := time.Duration(ms * float64(time.Millisecond)).Round(time.Millisecond)
	t.Logf("%s: %v (bar: 1s)", what, took)
	if took > bar {
		t.Errorf("%s took %v", what, took)
	}
}

// last is the last step that was painted.
const last = `window.seen.at(-1)`

func TestQRCodeUntilConnected(t *testing.T) {
	b := open(t, serve(t, "-refresh", "3s", "-connect-delay", "0s"), desktop)
	b.view("choose")
	b.picture("choose")
	js[bool](b, `window.mine = true`) // gone after a reload
	b.start("qr")
	b.view("qr")
	b.until(`window.seen.length > 0`)
	measured(t, "first QR code after the click", js[float64](b, last+`.mark - performance.getEntriesByName('click').at(-1).startTime`))
	b.picture("qr")
	first := b.scan()
	if !strings.HasPrefix(first, "https://wa.me/") && !strings.HasPrefix(first, "2@") {
		t.Fatal("this is no text of a linking code")
	}
	if js[bool](b, fmt.Sprintf(`document.documentElement.outerHTML.includes(%q)`, first)) {
		t.Error("the text of the code is in the page")
	}

	b.until(`window.seen.filter((s) => s.state === 'show').length > 1`)
	measured(t, "refreshed code after the server has it", js[float64](b, last+`.at - (`+last+`.expires - 60000)`))
	b.view("qr")
	if b.scan() == first {
		t.Error("the code is still the first one")
	}
	if !js[bool](b, `window.mine`) {
		t.Error("the page was loaded anew")
	}
	b.until(`document.getElementById('live').textContent === 'A new code is shown'`)

	b.click("[data-act=scan]")
	b.view("connected")
	b.until(last + `.state === 'connected'`)
	measured(t, "connected after the scan", js[float64](b, last+`.mark - performance.getEntriesByName('act-scan').at(-1).startTime`))
	b.until(`document.querySelectorAll('#account-list li').length === 1`)
	b.picture("connected")
	if id := b.text("#account-id"); !strings.HasPrefix(id, "acc_") {
		t.Errorf("the account is %q", id)
	}
	if got := js[string](b, `document.activeElement.innerText`); got != "Connected" {
		t.Errorf("the focus is on %q", got)
	}
	if js[int](b, `document.getElementById('qr').childElementCount`) != 0 {
		t.Error("the code is still in the page")
	}
}

func TestPairingCode(t *testing.T) {
	b := open(t, serve(t), desktop)
	b.start("phone")
	b.until(`document.getElementById('number-error').innerText !== ''`)
	b.do(typeInto("#number", "06 12 34 56 78"))
	b.click("#go")
	b.until(`document.getElementById('number-error').innerText.includes('country code')`)
	b.picture("number-refused")
	if js[string](b, `document.activeElement.id`) != "number" {
		t.Error("the focus is not where the mistake is")
	}
	b.do(typeInto("#number", "+33 6 12 34 56 78"))
	b.click("#go")
	b.view("code")
	b.picture("code")
	if code := b.text("#code"); len(code) != 9 || code[4] != '-' {
		t.Errorf("the code is %q", code)
	}
	if label := js[string](b, `document.getElementById('code').getAttribute('aria-label')`); len(label) != len("Your code: A B C D 1 2 3 4") {
		t.Errorf("a screen reader says %q", label)
	}
	for _, word := range []string{"Settings", "Linked devices", "Link with phone number instead"} {
		if !strings.Contains(b.text("#card"), word) {
			t.Errorf("the way is not told: %s", word)
		}
	}
	b.click("[data-act=pair]")
	b.view("connected")
	if got := b.text("#account-number"); got != "+33612345678" {
		t.Errorf("the number is %q", got)
	}
}

func TestReloadInTheMiddle(t *testing.T) {
	url := serve(t)
	b := open(t, url, desktop)
	b.start("qr")
	b.view("qr")
	before := b.scan()
	b.do(reload())
	b.view("qr")
	if b.scan() != before {
		t.Error("another code: the reload has started another attempt")
	}
	b.click("[data-act=scan]")
	b.view("connected")
	b.do(reload())
	b.until(`document.querySelectorAll('#account-list li').length === 1`)
}

func TestTwoTabs(t *testing.T) {
	url := serve(t)
	b := open(t, url, desktop)
	other := b.another(url, desktop)
	for _, each := range []*tab{b, other} {
		each.start("qr")
		each.view("qr")
	}
	const id = `JSON.parse(sessionStorage.getItem('link')).id`
	if js[string](b, id) != js[string](other, id) || b.scan() != other.scan() {
		t.Error("two attempts")
	}
	b.click("[data-act=scan]")
	b.view("connected")
	other.view("connected")
	if b.text("#account-id") != other.text("#account-id") {
		t.Error("two accounts")
	}

	for _, each := range []*tab{b, other} {
		each.click("[data-view=connected] [data-do=again]")
		each.start("qr")
		each.view("qr")
	}
	b.click("[data-view=qr] [data-do=cancel]")
	began := time.Now()
	b.start("qr")
	b.view("qr")
	measured(t, "a new code after a cancel", float64(time.Since(began).Milliseconds()))
	other.until(`document.getElementById('title').innerText === 'Cancelling…'`)
	other.view("failed")
	if got := other.text("#title"); got != "Cancelled" {
		t.Errorf("the other tab says %q", got)
	}
	other.picture("cancelled")
}

func TestStranger(t *testing.T) {
	url := serve(t)
	b := open(t, url, desktop)
	b.start("qr")
	b.view("qr")
	id := js[string](b, `JSON.parse(sessionStorage.getItem('link')).id`)
	stranger := open(t, url, desktop)
	stranger.view("choose")
	for _, request := range []string{"'/events'", "'/refresh', {method: 'POST'}", "'', {method: 'DELETE'}"} {
		got := js[int](stranger, fmt.Sprintf(`((path, init) => fetch('whatsapp/links/%s' + path, init).then((r) => r.status))(%s)`, id, request))
		if got != 404 {
			t.Errorf("%s is answered %d", request, got)
		}
	}
	js[bool](stranger, fmt.Sprintf(`sessionStorage.setItem('link', JSON.stringify({id: %q})), true`, id))
	stranger.do(reload())
	stranger.until(`document.getElementById('number-error').innerText.includes('no such attempt')`)
	b.click("[data-act=scan]")
	b.view("connected")
}

func TestReconnect(t *testing.T) {
	b := open(t, serve(t, "-connect-delay", "1500ms"), desktop)
	b.start("qr")
	b.view("qr")
	b.click("[data-act=scan]")
	b.view("connected")
	number := b.text("#account-number")
	b.click("[data-act=unlink]")
	b.until(`document.querySelector('#account-list button')`)
	b.click("[data-view=connected] [data-do=again]")
	b.picture("needs-reconnect")
	b.click("#account-list button")
	b.until(`document.getElementById('title').innerText === 'Reconnect ` + number + `'`)
	b.start("qr")
	b.view("qr")
	b.click("[data-act=scan-other]")
	b.view("failed")
	b.picture("wrong-account")
	if got := b.text("#title"); got != "That was another account" {
		t.Errorf("the page says %q", got)
	}

	b.until(`document.getElementById('account-list').innerText.includes('Linked to another number')`)
	b.click("[data-act=unlink]")
	b.until(`document.querySelector('#account-list button')`)
	b.click("[data-view=failed] [data-do=retry]")
	b.view("qr")
	b.click("[data-act=scan]")
	b.view("connecting")
	b.picture("connecting")
}

func TestExpiryAndNewCode(t *testing.T) {
	b := open(t, serve(t), desktop)
	b.start("qr")
	b.view("qr")
	before := b.scan()
	b.click("[data-view=qr] [data-do=refresh]")
	b.until(`window.seen.filter((s) => s.state === 'show').length > 1`)
	if b.scan() == before {
		t.Error("the code is the same")
	}
	b.click("[data-act=wait]")
	b.until(`window.seen.findLastIndex((s) => s.state === 'expired') > 0`)
	b.until(last + `.state === 'show'`)
	b.view("qr")
	b.click("[data-act=scan]")
	b.view("connected")
}

// Nobody needs a mouse.
func TestKeyboard(t *testing.T) {
	b := open(t, serve(t), desktop)
	b.view("choose")
	press(b, "Tab", " ")            // the first choice, then
	press(b, "ArrowDown", "Tab")    // the second, and on to the field
	b.do(keys("+33 6 12 34 56 78")) //
	b.picture("keyboard")           // with the ring of the focus
	press(b, "Enter")               // sends the form
	b.view("code")                  //
	press(b, "Tab", "Tab", "Tab")   // copy, new code, cancel
	if got := js[string](b, `document.activeElement.innerText`); got != "Cancel" {
		t.Fatalf("the focus is on %q", got)
	}
	press(b, "Enter")
	b.view("choose")
}

func TestPhoneSized(t *testing.T) {
	for name, s := range map[string]screen{"light": phone, "dark": phoneDark} {
		t.Run(name, func(t *testing.T) {
			b := open(t, serve(t), s)
			b.view("choose")
			if !js[bool](b, `document.querySelector('[value=phone]').checked`) {
				t.Error("a phone cannot scan its own screen")
			}
			b.picture("phone-choose-" + name)
			b.do(typeInto("#number", "+33 6 12 34 56 78"))
			b.click("#go")
			b.view("code")
			b.picture("phone-code-" + name)
			b.click("[data-view=code] [data-do=qr]")
			b.start("qr")
			b.view("qr")
			b.picture("phone-qr-" + name)
			b.scan()
			if wide := js[int](b, `document.documentElement.scrollWidth`); wide > int(s.width) {
				t.Errorf("the page is %d wide", wide)
			}
		})
	}
}

// In the dark, a code is black on white all the same.
func TestDark(t *testing.T) {
	b := open(t, serve(t), desktopDark)
	b.view("choose")
	b.picture("dark-choose")
	b.start("qr")
	b.view("qr")
	b.picture("dark-qr")
	b.scan()
	b.click("[data-act=scan]")
	b.view("connected")
	b.picture("dark-connected")
}
