package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// tick is the unit of the times in /proc/PID/stat.
const tick = 10 * time.Millisecond

// A process is a tool that runs, with all processes that it started.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu     sync.Mutex // guards peak
	peak   int64
	watch  chan struct{}
	memory sync.WaitGroup
}

// start starts a command, which ends with this process, and whose output goes to a file.
func start(cmd *exec.Cmd, logFile string) (*process, error) {
	f, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{}), watch: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // alive says how it ended
		close(p.ended)
	}()
	p.memory.Go(p.watchMemory)
	return p, nil
}

// stop ends all processes of the tool, and waits for the first.
func (p *process) stop() {
	close(p.watch)
	p.memory.Wait()
	group := -p.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-p.ended
}

// A stat is what /proc/PID/stat says.
type stat struct {
	parent int
	time   time.Duration // of the process, and of children that it has waited for
	memory int64         // bytes that are resident
}

// readStats returns all processes.
func readStats() map[int]stat {
	all := make(map[int]stat)
	dirs, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	page := int64(os.Getpagesize())
	for _, dir := range dirs {
		b, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
		number := func(i int) int64 { // i counts as proc(5) does
			n, _ := strconv.ParseInt(f[i-3], 10, 64)
			return n
		}
		all[pid] = stat{
			parent: int(number(4)),
			time:   time.Duration(number(14)+number(15)+number(16)+number(17)) * tick,
			memory: number(24) * page,
		}
	}
	return all
}

// tree returns the processor time and the memory of the tool's processes.
func (p *process) tree() (used time.Duration, memory int64) {
	all := readStats()
	for pid, s := range all {
		for up := pid; up > 1; up = all[up].parent {
			if up == p.cmd.Process.Pid {
				used += s.time
				memory += s.memory
				break
			}
		}
	}
	return used, memory
}

// watchMemory notes the most memory that the processes had at a time.
func (p *process) watchMemory() {
	every := time.NewTicker(250 * time.Millisecond)
	defer every.Stop()
	for {
		select {
		case <-p.watch:
			return
		case <-every.C:
			_, memory := p.tree()
			p.mu.Lock()
			p.peak = max(p.peak, memory)
			p.mu.Unlock()
		}
	}
}

func (p *process) peakMemory() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peak
}

// alive returns an error if the tool has ended.
func (p *process) alive() error {
	select {
	case <-p.ended:
		return fmt.Errorf("it ended: %v", p.cmd.ProcessState)
	default:
		return nil
	}
}
