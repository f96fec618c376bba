package patience

import (
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Beside busy programs the clock loses time against the wall, since the control waits for a
// processor; it never gains any.
func TestClockIsSlowedDownByOtherWork(t *testing.T) {
	for range 4 * runtime.NumCPU() {
		busy := exec.Command("sh", "-c", "while :; do :; done")
		busy.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		runtime.LockOSThread() // Pdeathsig is of the thread
		if err := busy.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			busy.Process.Kill()
			busy.Wait()
		}()
	}
	c := Start()
	defer c.Stop()
	began := time.Now()
	const passed = 2 * (burst + pause)
	for c.Now() < passed {
		time.Sleep(10 * time.Millisecond)
	}
	if wall := time.Since(began); wall < 3*passed/2 { // at least double, if the kernel shared fairly
		t.Errorf("%v by the clock took %v", passed, wall)
	}
}

func TestClockNeverRunsAheadOfTheWall(t *testing.T) {
	began := time.Now()
	c := Start()
	defer c.Stop()
	time.Sleep(3 * pause) // the control runs meanwhile
	if now, wall := c.Now(), time.Since(began); now > wall {
		t.Errorf("%v passed by the clock, and %v by the wall", now, wall)
	}
}
