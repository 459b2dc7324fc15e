// Package load asks something of a peer from many clients at once, and says how long each answer took.
package load

import (
	"sync"
	"time"
)

// Window is what came of one run, as the bench reads it.
type Window struct {
	Commits   int         `json:"commits"`
	Us        int64       `json:"us"`
	Latencies [][2]uint64 `json:"latencies"`
}

// Run calls from so many goroutines at once, each again as soon as its last call was answered. What each calls is made by callsOf.
func Run(clients int, length time.Duration, callsOf func(client int) func() error) (*Window, error) {
	counts := make([]map[uint64]uint64, clients)
	failures := make([]error, clients)
	var done sync.WaitGroup
	begun := time.Now()
	for i := 0; i < clients; i++ {
		done.Add(1)
		go func(i int) {
			defer done.Done()
			counts[i] = map[uint64]uint64{}
			call := callsOf(i)
			for now := time.Now(); now.Sub(begun) < length; {
				if err := call(); err != nil {
					failures[i] = err
					return
				}
				after := time.Now()
				counts[i][uint64(after.Sub(now).Microseconds())]++
				now = after
			}
		}(i)
	}
	done.Wait()
	took := time.Since(begun)
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return windowOf(counts, took), nil
}

func windowOf(counts []map[uint64]uint64, took time.Duration) *Window {
	merged := map[uint64]uint64{}
	window := &Window{Us: took.Microseconds()}
	for _, count := range counts {
		for latency, times := range count {
			merged[latency] += times
			window.Commits += int(times)
		}
	}
	for latency, times := range merged {
		window.Latencies = append(window.Latencies, [2]uint64{latency, times})
	}
	return window
}
