module github.com/postpress-ai/postpress-go/internal/qrdecode

go 1.25.0

require (
	github.com/makiuchi-d/gozxing v0.1.1
	github.com/postpress-ai/postpress-go v0.0.0
)

require (
	golang.org/x/text v0.30.0 // indirect
	golang.org/x/xerrors v0.0.0-20200804184101-5ec99f83aff1 // indirect
	rsc.io/qr v0.2.0 // indirect
)

replace github.com/postpress-ai/postpress-go => ../..
