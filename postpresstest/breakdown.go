package postpresstest

import (
	"fmt"
	"net/http"
)

const gatewayPage = `<html>
<head><title>%[1]d %[2]s</title></head>
<body><center><h1>%[1]d %[2]s</h1></center><hr><center>gateway</center></body>
</html>
`

// breakDown lets a fault have its way with a request.
func (c *call) breakDown(f Fault) {
	switch f.Kind {
	case FaultReset:
		c.reset()
	case FaultLostAnswer:
		c.entry.finish(c.carryOut())
		c.reset()
	case FaultCut:
		c.sendPart(f)
	case FaultStall:
		c.sendPart(f)
		select {
		case <-c.r.ctx.Done():
		case <-c.s.gate.done:
		}
		panic(http.ErrAbortHandler)
	default:
		c.send(c.faultAnswer(f))
	}
}

// sendPart sends the beginning of a body. If the handler then returns, net/http
// closes the connection because less was written than announced.
func (c *call) sendPart(f Fault) {
	a := c.faultAnswer(f)
	c.entry.finish(a)
	a.writeHead(c.w)
	_, _ = c.w.Write(a.body[:min(f.After, len(a.body))])
	_ = http.NewResponseController(c.w).Flush()
}

func (c *call) faultAnswer(f Fault) answer {
	var a answer
	switch {
	case f.Kind == FaultHTML:
		a = htmlAnswer(f)
	case f.Status == 0:
		a = c.carryOut()
	case f.Body == "" && f.Status >= http.StatusBadRequest:
		kind := f.Type
		if kind == "" {
			kind = typeOf(f.Status)
		}
		a = c.s.errorAnswer(c.r, fail(f.Status, kind, "injected by a test"))
	default:
		a = answer{status: f.Status, body: []byte(f.Body), header: http.Header{
			"Content-Type": {"application/json; charset=utf-8"}, "X-Request-Id": {c.r.id},
		}}
	}
	a.header = a.header.Clone()
	for k, v := range f.Header {
		a.header[http.CanonicalHeaderKey(k)] = v
	}
	return a
}

func htmlAnswer(f Fault) answer {
	if f.Status == 0 {
		f.Status = http.StatusBadGateway
	}
	if f.Body == "" {
		f.Body = fmt.Sprintf(gatewayPage, f.Status, http.StatusText(f.Status))
	}
	return answer{status: f.Status, body: []byte(f.Body), header: http.Header{"Content-Type": {"text/html"}}}
}

// reset breaks the connection as a crashed peer does, or as near to it as w allows.
func (c *call) reset() {
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if l, ok := conn.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = conn.Close()
}
