package faulttest

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
)

// The frames of HTTP/2 (RFC 9113 §6) that are spoken here.
const (
	frameData     = 0
	frameHeaders  = 1
	frameReset    = 3
	frameSettings = 4
	framePing     = 6
	frameGoAway   = 7

	flagEnd   = 0x1 // END_STREAM, or ACK
	flagWhole = 0x4 // END_HEADERS

	noError       = 0
	internalError = 2
	refusedStream = 7
)

// h2 is the server's side of one HTTP/2 connection, as small as it can be: it reads
// no header but the first octet of each block, which tells the method of this client.
type h2 struct {
	peer *peer
	tcp  *net.TCPConn
	c    net.Conn
	over bool
}

func (h *h2) serve() {
	preface := make([]byte, 24)
	if _, err := io.ReadFull(h.c, preface); err != nil {
		return
	}
	h.frame(frameSettings, 0, 0, nil)
	for !h.over {
		kind, flags, stream, payload, err := h.read()
		if err != nil {
			return
		}
		switch {
		case kind == frameSettings && flags&flagEnd == 0:
			h.frame(frameSettings, flagEnd, 0, nil)
		case kind == framePing && flags&flagEnd == 0:
			h.frame(framePing, flagEnd, 0, payload)
		case kind == frameHeaders:
			h.peer.requests.Add(1)
			if h.peer.fault.h2 != nil && h.peer.hit() {
				h.peer.fault.h2(h, stream)
			} else {
				h.well(stream, flags&flagEnd != 0)
			}
		}
	}
}

func (h *h2) read() (kind, flags byte, stream uint32, payload []byte, err error) {
	head := make([]byte, 9)
	if _, err = io.ReadFull(h.c, head); err != nil {
		return
	}
	payload = make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err = io.ReadFull(h.c, payload)
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]), payload, err
}

func (h *h2) frame(kind, flags byte, stream uint32, payload []byte) {
	n := len(payload)
	b := append([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(b[5:], stream)
	_, _ = h.c.Write(append(b, payload...))
}

// well answers with 200, which is the entry 8 of HPACK's static table. A request
// without a body is a GET.
func (h *h2) well(stream uint32, get bool) {
	method := http.MethodPost
	if get {
		method = http.MethodGet
	}
	_, body := wellAnswer(method)
	h.frame(frameHeaders, flagWhole, stream, []byte{0x88})
	h.frame(frameData, flagEnd, stream, []byte(body))
}

// goAway says that streams up to last may have been seen, and goes.
func (h *h2) goAway(last uint32, code uint32, debug string) {
	b := binary.BigEndian.AppendUint32(nil, last)
	b = binary.BigEndian.AppendUint32(b, code)
	h.frame(frameGoAway, 0, 0, append(b, debug...))
	h.over = true
}

func (h *h2) refuse(stream uint32, code uint32) {
	h.frame(frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, code))
}

// hole reads and says nothing more, not even to a ping.
func (h *h2) hole() {
	h.over = true
	_, _ = io.Copy(io.Discard, h.c)
}
