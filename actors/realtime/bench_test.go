package realtime_test

import (
	"bytes"
	"testing"
)

// BenchmarkFanout tells one change to a thousand subscribers. The figures include the reading side.
func BenchmarkFanout(b *testing.B) {
	const subscribers = 1000
	g := newRig(b)
	c := g.docs("")
	heard := make(chan struct{}, subscribers)
	for range subscribers {
		s := g.open()
		s.subscribe(nil, "docs/*")
		go func() {
			buf := make([]byte, 4096)
			for {
				n, err := s.conn.Read(buf)
				if err != nil {
					return
				}
				for range bytes.Count(buf[:n], []byte("data:")) {
					heard <- struct{}{}
				}
			}
		}()
	}
	b.ResetTimer()
	for range b.N {
		g.create(c, map[string]any{"t": "an event", "n": 1})
		for range subscribers {
			<-heard
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/subscribers, "µs/event")
}
