package testproc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
)

func bind(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// It is sent when the thread ends that started the command. The runtime keeps its threads, but
	// for those that a goroutine has locked.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// enclosed is set for the processes that run the tests, and for what they start.
const enclosed = "EMS_SIDECAR_TESTS_ENCLOSED"

// mountInMemory mounts a directory that is in memory, if files can have attributes there: that is
// where the S3 server of the tests keeps what it knows of objects. It needs Linux 6.6.
func mountInMemory(dir string) error {
	if err := syscall.Mount("tests", dir, "tmpfs", 0, "mode=711"); err != nil {
		return err
	}
	if err := syscall.Setxattr(dir, "user.tests", []byte("yes"), 0); err != nil {
		return errors.Join(err, syscall.Unmount(dir, 0))
	}
	return nil
}

func tempDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if os.Getenv(enclosed) == "" { // others would see it mounted
		return dir
	}
	if err := syscall.Mount("test", dir, "tmpfs", 0, "mode=711"); err != nil {
		t.Logf("the test runs on the disk, not in memory: %v", err)
		return dir
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount the test's directory: %v", err)
		}
	})
	return dir
}

func enclose(how string) {
	switch {
	case os.Getenv(enclosed) == inMemory:
		os.Setenv(enclosed, "yes") // what the tests start finds the directory mounted
		if err := mountInMemory(os.TempDir()); err != nil {
			fmt.Fprintln(os.Stderr, "the tests run on the disk, not in memory:", err)
		}
		return
	case os.Getenv(enclosed) != "" || os.Geteuid() != 0:
		return
	}
	// What a process that is killed leaves there is removed here; not what it mounted, which is not
	// seen here.
	temp, err := os.MkdirTemp("", "t-") // short, for the names of sockets
	if err != nil {
		fmt.Fprintln(os.Stderr, "run the tests with a directory of their own:", err)
		os.Exit(1)
	}
	if err := os.Chmod(temp, 0o711); err != nil { // tests start processes of other users in it
		fmt.Fprintln(os.Stderr, "let other users enter the tests' directory:", err)
		os.Exit(1)
	}
	end := func(code int) {
		os.RemoveAll(temp) // as far as that goes: the tests are over
		os.Exit(code)
	}
	runtime.LockOSThread() // see bind
	cmd := Bind(exec.Command("/proc/self/exe", os.Args[1:]...))
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), enclosed+"="+how, "TMPDIR="+temp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGQUIT, syscall.SIGTERM)
	err = cmd.Start()
	if errors.Is(err, syscall.EPERM) { // in a container, say; the tests that mount are skipped there
		signal.Stop(signals)
		os.RemoveAll(temp) // it is empty
		runtime.UnlockOSThread()
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "run the tests with mounts of their own:", err)
		end(1)
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s) // it may have ended, which Wait tells
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		end(0)
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		end(exit.ExitCode())
	}
	fmt.Fprintln(os.Stderr, "the tests' process:", err)
	end(1)
}
