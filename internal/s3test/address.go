package s3test

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// Ports that the kernel gives to no one who asks for any: other tests do that all the time, and one
// could get the port before the server has it.
const firstPort, lastPort = 10_000, 32_000

// blockSize is how many ports a test process has for itself.
const blockSize = 200

// A block is a range of ports. A process owns it while it listens at the first one.
type block struct {
	mu    sync.Mutex
	first int
	owner net.Listener // until the process ends
	last  int          // port that was given out
}

var ports block

// FreeAddress returns an address on which no one listens, and which no other test that runs now
// gets.
func FreeAddress() (address string, err error) { return ports.next() }

func (b *block) next() (address string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.own(); err != nil {
		return "", err
	}
	for range blockSize - 1 {
		if b.last++; b.last >= b.first+blockSize {
			b.last = b.first + 1
		}
		l, err := listen(b.last)
		if err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("each port of this process is in use")
}

// own finds a block that no other process owns.
func (b *block) own() (err error) {
	for n := 0; b.owner == nil && n < 1000; n++ {
		first := firstPort + blockSize*rand.IntN((lastPort-firstPort)/blockSize)
		if b.owner, err = listen(first); err == nil {
			b.first, b.last = first, first
			return nil
		}
		b.owner = nil
	}
	return err
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
}
