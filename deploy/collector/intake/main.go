// A stand-in for Datadog's intake: takes what Datadog's exporter sends, and writes one line of JSON for each request, read by Datadog's
// own definitions. The test of the path to Datadog holds these lines against what Narthex told.
//
//	intake FILE    prints the port that it listens on
package main

import (
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"

	metrics "github.com/DataDog/agent-payload/v5/gogen"
	traces "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"google.golang.org/protobuf/proto"
)

// No request of the exporter is larger, packed or not.
const largest = 16 << 20

// What came, as it is written.
type request struct {
	Path    string `json:"path"`
	Payload any    `json:"payload"`
}

func main() {
	file, err := os.Create(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	var one sync.Mutex
	lines := json.NewEncoder(file)
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(answer http.ResponseWriter, asked *http.Request) {
		payload, err := read(asked)
		if err != nil {
			log.Printf("%s: %v", asked.URL.Path, err)
			http.Error(answer, err.Error(), http.StatusBadRequest)
			return
		}
		one.Lock()
		defer one.Unlock()
		if err := lines.Encode(request{asked.URL.Path, payload}); err != nil {
			log.Fatal(err)
		}
		answer.Header().Set("content-type", "application/json")
		if asked.URL.Path == "/api/v1/validate" {
			fmt.Fprint(answer, `{"valid":true}`)
			return
		}
		answer.WriteHeader(http.StatusAccepted)
		fmt.Fprint(answer, `{}`)
	})))
}

func read(asked *http.Request) (any, error) {
	body, err := unpacked(asked)
	if err != nil {
		return nil, err
	}
	// What the exporter tells of itself.
	if asked.Header.Get("content-type") == "application/json" {
		return json.RawMessage(body), nil
	}
	switch asked.URL.Path {
	case "/api/v2/series":
		payload := new(metrics.MetricPayload)
		return payload, payload.Unmarshal(body)
	case "/api/beta/sketches":
		payload := new(metrics.SketchPayload)
		return payload, payload.Unmarshal(body)
	case "/api/v0.2/traces":
		payload := new(traces.AgentPayload)
		return payload, proto.Unmarshal(body, payload)
	default:
		return len(body), nil
	}
}

func unpacked(asked *http.Request) ([]byte, error) {
	body, err := io.Reader(io.LimitReader(asked.Body, largest)), error(nil)
	switch encoding := asked.Header.Get("content-encoding"); encoding {
	case "", "identity":
	case "deflate":
		body, err = zlib.NewReader(body)
	case "gzip":
		body, err = gzip.NewReader(body)
	default:
		err = fmt.Errorf("content-encoding %s is not known", encoding)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(body, largest))
}
