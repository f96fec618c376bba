package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Click clicks on the middle of the element that a selector finds, as a mouse does.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.WaitFor(fmt.Sprintf("document.querySelector(%q) !== null", selector))
	var at struct{ X, Y float64 }
	p.Read(fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({ block: "center", behavior: "instant" });
		const r = e.getBoundingClientRect();
		return { X: r.x + r.width / 2, Y: r.y + r.height / 2 };
	})()`, selector), &at)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.Call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left",
			"clickCount": 1}, nil)
	}
}

// Type types a text, as a keyboard does, where the focus is.
func (p *Page) Type(text string) {
	p.t.Helper()
	p.Call("Input.insertText", map[string]any{"text": text}, nil)
}

// Press presses a key, such as Tab or Enter.
func (p *Page) Press(key string) {
	p.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27}
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	if key == "Enter" {
		down["text"] = "\r"
	}
	p.Call("Input.dispatchKeyEvent", down, nil)
	p.Call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key,
		"windowsVirtualKeyCode": codes[key]}, nil)
}

// Resize makes the page another size.
func (p *Page) Resize(size Size) {
	p.t.Helper()
	p.Call("Emulation.setDeviceMetricsOverride", map[string]any{"width": size.Width, "height": size.Height,
		"deviceScaleFactor": 1, "mobile": size.Width < 500}, nil)
}

// Prefer has the page shown "dark" or "light".
func (p *Page) Prefer(scheme string) {
	p.t.Helper()
	p.Call("Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]any{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// Screenshot writes a picture of what is seen to a file, in the format of its extension: .png or .webp.
func (p *Page) Screenshot(file string) {
	p.t.Helper()
	var picture struct{ Data []byte }
	params := map[string]any{"format": strings.TrimPrefix(filepath.Ext(file), ".")}
	if params["format"] == "webp" {
		params["quality"] = 80
	}
	p.Call("Page.captureScreenshot", params, &picture)
	if err := os.WriteFile(file, picture.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
