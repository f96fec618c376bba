package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"
)

// The capabilities that the unit gives the daemon, by their numbers in linux/capability.h.
const (
	capFowner = 3  // links to files of other users
	capLease  = 28 // read leases on files of other users
)

// withRights is how to run the check with the daemon's rights.
const withRights = `test with the daemon's rights: systemd-run --pipe --wait -p User=ems-sidecar ` +
	`-p AmbientCapabilities="CAP_LEASE CAP_FOWNER" ems-sidecar check`

// checkRights prints for what the check has other rights than the daemon.
func checkRights(r *report) {
	switch {
	case os.Geteuid() == 0:
		r.skip("the rights of the daemon's user", "", "this is root, who may do more", withRights)
	case !capable(capLease) || !capable(capFowner):
		r.skip("the rights of the unit", "", "this process lacks CAP_LEASE and CAP_FOWNER, which the unit gives the daemon",
			withRights)
	default:
		r.say("rights", "CAP_LEASE and CAP_FOWNER, as the unit gives them", nil)
	}
}

// capable reports whether this process has a capability: not on systems without capabilities.
func capable(number uint) bool {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if set, ok := strings.CutPrefix(lines.Text(), "CapEff:"); ok {
			bits, err := strconv.ParseUint(strings.TrimSpace(set), 16, 64)
			return err == nil && bits&(1<<number) != 0
		}
	}
	return false
}
