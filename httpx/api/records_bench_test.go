package api_test

import (
	"testing"

	"github.com/valyala/fasthttp"
)

// BenchmarkRecords is one request after the other over a connection that stays, under rules that ask nothing of the request
// and under rules that look at a header. The allocations are those of both sides.
func BenchmarkRecords(b *testing.B) {
	for _, bench := range []struct{ name, rule, method string }{
		{"create", "", "POST"},
		{"create by header", `@request.headers.x_token = \"secret\"`, "POST"},
		{"view", "", "GET"},
		{"view by header", `@request.headers.x_token = \"secret\"`, "GET"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			g := benchGuests(b)
			g.collection(`{"name":"posts","type":"base","createRule":"` + bench.rule + `","viewRule":"` + bench.rule + `","fields":[{"name":"title","type":"text"}]}`)
			client, url := new(fasthttp.Client), g.base+"/api/collections/posts/records"
			send := func(method, url, body string) {
				req, answer := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
				defer fasthttp.ReleaseRequest(req)
				defer fasthttp.ReleaseResponse(answer)
				req.Header.SetMethod(method)
				req.SetRequestURI(url)
				req.Header.Set("Accept", "application/json")
				req.Header.Set("Accept-Encoding", "gzip, deflate, br")
				req.Header.Set("Origin", "http://localhost:5173")
				req.Header.Set("X-Token", "secret")
				if body != "" {
					req.Header.SetContentType("application/json")
					req.SetBodyString(body)
				}
				if err := client.Do(req, answer); err != nil || answer.StatusCode() != 200 {
					b.Fatalf("%s: %d %v %s", method, answer.StatusCode(), err, answer.Body())
				}
			}
			send("POST", url, `{"id":"aaaaaaaaaaaaaaa","title":"The quick brown fox"}`)
			b.ReportAllocs()
			for b.Loop() {
				if bench.method == "GET" {
					send("GET", url+"/aaaaaaaaaaaaaaa", "")
				} else {
					send("POST", url, `{"title":"The quick brown fox"}`)
				}
			}
		})
	}
}
