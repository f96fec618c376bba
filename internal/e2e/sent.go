package e2e

import (
	"ems-sidecar/internal/s3test"
	"net/http"
	"time"
)

// What is answered within so long is answered in time: no client has given up.
const promptly = 1500 * time.Millisecond

// An answer takes so long to its client, at most, on a busy machine.
const onItsWay = 50 * time.Millisecond

// SentAgain returns the PUTs of chunks that the bucket had confirmed, and how many of them cannot be helped:
// the confirmation was still to come, or had just come, when one of the cuts ended the connection or the client.
func SentAgain(log []s3test.Request, cuts []time.Time) (again []s3test.Request, excused int) {
	confirmed := map[text]s3test.Request{}
next:
	for _, q := range log {
		if q.Method != http.MethodPut || q.Body != nil || q.Sum == [32]byte{} {
			continue
		}
		v := text{q.Key, q.Sum}
		p, ok := confirmed[v]
		if q.Status == http.StatusOK {
			confirmed[v] = q
		}
		if !ok || p.Fault != "" || p.Ended.Sub(p.Began) > promptly || p.Ended.After(q.Began) {
			continue
		}
		for _, cut := range cuts {
			if cut.Before(q.Began) && cut.After(p.Began.Add(-onItsWay)) && cut.Before(p.Ended.Add(onItsWay)) {
				excused++
				continue next
			}
		}
		again = append(again, q)
	}
	return again, excused
}
