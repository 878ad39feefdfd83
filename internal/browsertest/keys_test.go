package browsertest

import (
	"fmt"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func typeInto(selector, text string) chromedp.Action[chromedp.Void] {
	field := chromedp.CSS(selector)
	empty := chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).value = ''", selector))
	return chromedp.Steps(empty, chromedp.SendKeys(field, text))
}

func keys(text string) chromedp.Action[chromedp.Void] { return chromedp.KeyEvent(text) }

func reload() chromedp.Action[chromedp.Void] { return chromedp.Reload() }

// press presses keys by name.
func press(b *tab, names ...string) {
	b.t.Helper()
	known := map[string]string{"Tab": kb.Tab, "Enter": kb.Enter, "ArrowDown": kb.ArrowDown, " ": " "}
	for _, name := range names {
		b.do(chromedp.KeyEvent(known[name]))
	}
}
