package e2e

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"ems-sidecar/internal/s3test"
)

// Promptly is how long a client waits at least: none has given up before.
const Promptly = 1500 * time.Millisecond

// An answer takes so long to its client, at most, on a busy machine.
const onItsWay = 50 * time.Millisecond

// No second request follows a PUT that takes less time.
const leastSlow = 50 * time.Millisecond

// Late reports whether a request had no answer within the limit, on a machine that was too busy to
// give one: its client may have given up.
func Late(q s3test.Request, limit time.Duration) bool {
	return Patient.Busy() && (q.Status != http.StatusOK || q.Ended.Sub(q.Began) > limit)
}

// IsTrial reports whether the daemon found out by q whether the store heeds If-Match: q would replace an
// object that no store has, and was refused. It puts the same again.
func IsTrial(q s3test.Request) bool {
	return q.Status == http.StatusPreconditionFailed && q.IfMatch != "" && strings.Trim(q.IfMatch, `"0-`) == ""
}

// SentAgain returns the PUTs of chunks that the bucket had confirmed, and how many of them cannot
// be helped: the confirmation was still to come, or had just come, when one of the cuts ended the
// connection or the client.
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
		if !ok || p.Fault != "" || p.Ended.Sub(p.Began) > Promptly || p.Ended.After(q.Began) {
			continue
		}
		if isSecond(p, q) {
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

// isSecond reports whether q was sent beside p, which was slow, before the client had its answer.
func isSecond(p, q s3test.Request) bool {
	return p.Key == q.Key && p.Sum == q.Sum && p.Ended.Sub(p.Began) >= leastSlow && q.Began.After(p.Began) &&
		q.Began.Before(p.Ended.Add(onItsWay))
}

// IsSecond reports whether q, a PUT in log, is the second request for a slow one.
func IsSecond(log []s3test.Request, q s3test.Request) bool {
	return slices.ContainsFunc(log, func(p s3test.Request) bool { return p.Method == http.MethodPut && isSecond(p, q) })
}
