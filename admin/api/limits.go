// R8: bounded. At most 32 clients follow the changes, at a limited rate, and one that does not read
// is dropped.

package api

import "time"

const (
	// maxClients is how many may follow the changes at once. Each costs about 1 MB.
	maxClients = 32
	// clientRate is how many bytes a second a client gets of changes that can wait, on average: below
	// 1 MB a minute.
	clientRate = 13_000
	// clientBurst is what may come at once of that, in bytes.
	clientBurst = 100_000
	// heartbeatEvery is how long a client hears nothing at most.
	heartbeatEvery = 5 * time.Second
	// clientPatience is how long a client may take to read. Then it is dropped, and may come again.
	clientPatience = 10 * time.Second
	// wordsEvery is how often a reason is sent of which only numbers have changed, such as an age.
	wordsEvery = 10 * time.Second
)
