package daemon

import (
	"context"
	"sync"
	"time"
)

// connectTime is how long a reload waits for the connections of new stores.
const connectTime = 2 * time.Second

// connect connects the stores that are opened, before requests go to them. A chunk would wait for
// credentials, a lookup and a handshake otherwise. It does not wait long for a store that is away.
func (p *plan) connect() {
	ctx, cancel := context.WithTimeout(p.ctx, connectTime)
	defer cancel()
	var connecting sync.WaitGroup
	for _, s := range p.opened {
		connecting.Go(func() { s.Connect(ctx) })
	}
	connecting.Wait()
}
