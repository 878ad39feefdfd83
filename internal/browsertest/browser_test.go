package browsertest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// required makes what is missing a failure, for CI, where nobody reads a skip.
var required = os.Getenv("POSTPRESS_REQUIRE_BROWSER") == "1"

func missing(what string) int {
	fmt.Printf("SKIP: %s is missing: apt-get install chromium zbar-tools\n", what)
	if required {
		return 1
	}
	return 0
}

var (
	chromium string          // its path
	program  string          // examples/web, built
	browser  context.Context // of the one browser of all tests
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		return missing("chromium")
	}
	if _, err := exec.LookPath("zbarimg"); err != nil {
		return missing("zbarimg")
	}
	dir, err := os.MkdirTemp("", "browsertest")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "web")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", program, "./examples/web").CombinedOutput(); err != nil {
		fmt.Printf("go build: %v\n%s", err, out)
		return 1
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("lang", "en-US"))...)
	defer stop()
	var end context.CancelFunc
	browser, end = chromedp.NewContext(allocator)
	defer end()
	if err := chromedp.Do(browser); err != nil {
		fmt.Println("chromium does not start:", err)
		return 1
	}
	return m.Run()
}

var listening = regexp.MustCompile(`listening on (http://\S+)`)

// serve runs the example, on a double of its own, and gives its URL.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(program, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "POSTPRESS_API_KEY=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if found := listening.FindStringSubmatch(line); found != nil {
		return found[1]
	}
	t.Fatalf("the example says %q, %v", line, err)
	return ""
}

// screen is how large and in which colours a page is shown.
type screen struct {
	width, height int64
	dark, touch   bool
}

var (
	desktop     = screen{width: 900, height: 900}
	desktopDark = screen{width: 900, height: 900, dark: true}
	phone       = screen{width: 390, height: 844, touch: true}
	phoneDark   = screen{width: 390, height: 844, touch: true, dark: true}
)

// tab is one page of one user.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// watcher notes when a step has been painted, and what it was.
const watcher = `
window.seen = [];
const Real = EventSource;
window.EventSource = class extends Real {
  constructor(...args) {
    super(...args);
    this.addEventListener('step', (e) => {
      const s = JSON.parse(e.data);
      setTimeout(() => requestAnimationFrame(() => setTimeout(() => {
        window.seen.push({state: s.state, at: Date.now(), mark: performance.now(), expires: Date.parse(s.expires_at || 0)});
      })));
    });
  }
};`

// open opens the example for a new user.
func open(t *testing.T, url string, s screen) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return newTab(t, ctx, url, s)
}

// another opens one more tab of the same user.
func (b *tab) another(url string, s screen) *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	return newTab(b.t, ctx, url, s)
}

func newTab(t *testing.T, ctx context.Context, url string, s screen) *tab {
	t.Helper()
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as this ctx
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Listen(ctx, func(ev any) { complain(t, ev) }); err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	b := &tab{t, ctx}
	b.do(
		chromedp.EmulateViewport(s.width, s.height, func(m *emulation.SetDeviceMetricsOverrideParams, touch *emulation.SetTouchEmulationEnabledParams) {
			m.DeviceScaleFactor, m.Mobile, touch.Enabled = 2, s.touch, s.touch
		}),
		command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		}),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		command(log.Enable, cdp.Empty{}),
		command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watcher}),
		chromedp.Navigate(url),
	)
	return b
}

func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// complain makes an exception of the page, and a breach of its policy, a failure.
func complain(t *testing.T, ev any) {
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		t.Errorf("the page throws: %s %+v", ev.ExceptionDetails.Text, ev.ExceptionDetails.Exception)
	case *log.EventEntryAdded: // an answer of 4xx is told here, too
		if ev.Entry.Level == log.EntryLevelError && ev.Entry.Source != log.EntrySourceNetwork {
			t.Errorf("the browser complains: %s", ev.Entry.Text)
		}
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("%v\nthe page shows: %s", err, b.shown())
	}
}

func get[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, action)
	if err != nil {
		b.t.Fatalf("%v\nthe page shows: %s", err, b.shown())
	}
	return v
}

// shown is for the message of a failure.
func (b *tab) shown() string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), 2*time.Second)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.getElementById('card').innerText`))
	return text
}

// js evaluates an expression.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	return get(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression to be true, also across a reload.
func (b *tab) until(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if ok {
			return
		}
		if b.ctx.Err() != nil || time.Now().After(deadline) {
			b.t.Fatalf("not in time: %s (%v)\nthe page shows: %s", expression, err, b.shown())
		}
	}
}

func (b *tab) view(name string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.getElementById('card').dataset.shows === %q && !document.querySelector('[data-view=%s]').hidden`, name, name))
}

func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	return js[string](b, fmt.Sprintf(`document.querySelector(%q).innerText`, selector))
}

// start presses the button of the first screen.
func (b *tab) start(method string) {
	b.t.Helper()
	b.view("choose")
	b.click("input[name=method][value=" + method + "]")
	b.click("#go")
}
