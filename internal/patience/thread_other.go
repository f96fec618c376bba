//go:build !linux

package patience

import "time"

// threadTime returns -1: it is only known on Linux.
func threadTime() time.Duration { return -1 }
