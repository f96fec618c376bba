package scene

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"

	"ems-sidecar/internal/browser"
	"ems-sidecar/internal/e2e"
)

var picturesDir = flag.String("scene.pictures", "",
	"write what an operator sees to this directory: the pictures in docs/images, the status and the metrics")

// The windows in which the pictures in docs/images are taken.
var (
	wide  = browser.Size{Width: 1280, Height: 760}
	tall  = browser.Size{Width: 1280, Height: 900}
	phone = browser.Size{Width: 375, Height: 700}
)

// takePictures writes what the operator sees of the three streams in trouble.
func (s *stage) takePictures() {
	s.t.Helper()
	if *picturesDir == "" {
		return
	}
	overview := "http://" + s.Admin + "/"
	p := browser.Open(s.t, e2e.Patient, wide, overview)
	p.Resize(wide) // the page, not the window
	s.waitForRows(p)
	s.picture(p, "status-overview.webp")
	p.Prefer("dark")
	s.picture(p, "status-dark.webp")
	p.Prefer("light")
	p.Resize(phone)
	p.Go(overview)
	s.waitForRows(p)
	s.picture(p, "status-phone.webp")
	p.Resize(tall)
	p.Go(overview + "#/stream/hls/" + slow)
	p.WaitFor(`document.querySelectorAll("table.path tbody tr").length > 5`)
	s.picture(p, "status-stream.webp")

	// The exit status tells that streams suffer.
	exit, status, errs := e2e.RunCommandLine(s.t, "status", "--config", s.Cmd.Args[len(s.Cmd.Args)-1])
	if exit != 1 {
		s.t.Errorf("status exits with %d beside streams that suffer: %s", exit, errs)
	}
	s.write("status.txt", []byte(status))
	code, metrics := s.Ask("/metrics")
	if code != http.StatusOK {
		s.t.Errorf("/metrics: status %d", code)
	}
	s.write("metrics.txt", []byte(metrics))
}

// pictureOfTheEnd kills the daemon before the eyes of an open page.
func (s *stage) pictureOfTheEnd() {
	s.t.Helper()
	if *picturesDir == "" {
		return
	}
	p := browser.Open(s.t, e2e.Patient, wide, "http://"+s.Admin+"/")
	p.Resize(wide)
	s.waitForRows(p)
	s.Kill()
	p.WaitFor(`document.getElementById("connection").innerText.startsWith("not connected, as of ")`)
	s.picture(p, "status-gone.webp")
}

func (s *stage) waitForRows(p *browser.Page) {
	s.t.Helper()
	p.WaitFor(`document.querySelectorAll("table.streams tbody:not(.space) tr").length > 3`)
}

func (s *stage) picture(p *browser.Page, name string) {
	s.t.Helper()
	p.Screenshot(filepath.Join(*picturesDir, name))
}

func (s *stage) write(name string, content []byte) {
	s.t.Helper()
	e2e.Must(s.t, os.WriteFile(filepath.Join(*picturesDir, name), content, 0o644))
}
