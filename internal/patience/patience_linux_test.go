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
	for c.Now() < time.Second {
		time.Sleep(10 * time.Millisecond)
	}
	if wall := time.Since(began); wall < 1500*time.Millisecond { // 4 s, if the kernel shared fairly
		t.Errorf("1 s by the clock took %v", wall)
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
