package testproc

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ems-sidecar/internal/patience"
)

func TestMain(m *testing.M) {
	Enclose()
	os.Exit(m.Run())
}

// mountHere has the tests' process of TestWhatTestsStartAndMountEndsWithThem mount there.
const mountHere = "TESTPROC_MOUNT_HERE"

// It is a process of TestWhatTestsStartAndMountEndsWithThem, and no test by itself.
func TestThatIsKilled(t *testing.T) {
	dir := os.Getenv(mountHere)
	if dir == "" {
		t.Skip("not started by another test")
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		t.Fatal(err)
	}
	child := Bind(exec.Command("sleep", "3600"))
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Println("pids", os.Getpid(), child.Process.Pid)
	child.Wait()
}

func TestWhatTestsStartAndMountEndsWithThem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("no right to mount")
	}
	clock := patience.Start()
	t.Cleanup(clock.Stop)
	dir := t.TempDir()
	tests := Bind(exec.Command(os.Args[0], "-test.run=^TestThatIsKilled$"))
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, enclosed+"=") {
			tests.Env = append(tests.Env, v)
		}
	}
	tests.Env = append(tests.Env, mountHere+"="+dir)
	out, err := tests.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	tests.Stderr = os.Stderr
	if err := tests.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	pids := strings.Fields(line)
	if len(pids) != 3 {
		tests.Process.Kill()
		tests.Wait()
		t.Skipf("it cannot mount: %q", line)
	}
	if tests.Process.Kill(); tests.Wait() == nil {
		t.Error("it was not killed")
	}

	for _, pid := range pids[1:] {
		if n, err := strconv.Atoi(pid); err != nil || n <= 0 {
			t.Fatalf("no pid: %q", line)
		}
		clock.Within(t, 30*time.Second, "the end of "+pid, func() bool {
			status, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
			return err != nil || strings.Contains(string(status), ") Z ")
		})
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), dir) {
		t.Error("the mount is still there")
	}
}

// Where the kernel cannot do it, or the user may not, the directory is as it was.
func TestDirectoryInMemoryHasAttributes(t *testing.T) {
	dir := t.TempDir()
	before := device(t, dir)
	err := mountInMemory(dir)
	if err == nil {
		defer syscall.Unmount(dir, 0)
		file := filepath.Join(dir, "object")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Setxattr(file, "user.etag", []byte("1"), 0); err != nil {
			t.Errorf("an object's attribute: %v", err)
		}
	}
	if after := device(t, dir); (after == before) != (err != nil) {
		t.Errorf("mounted: %v, before and after it is on the devices %x and %x", err, before, after)
	}
}

// device returns the device that a directory is on.
func device(t *testing.T, dir string) uint64 {
	t.Helper()
	var s syscall.Stat_t
	if err := syscall.Stat(dir, &s); err != nil {
		t.Fatal(err)
	}
	return s.Dev
}

func TestTestsDirectoryInMemoryGoesWithTheTest(t *testing.T) {
	var dir string
	t.Run("test", func(t *testing.T) {
		outside := device(t, t.TempDir())
		dir = TempDirInMemory(t)
		if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if os.Getenv(enclosed) == "" && device(t, dir) != outside {
			t.Error("it is mounted where others see it")
		}
	})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}
