package httpapi

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestObjectsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.handler = held(t, Config{Store: f.store, Director: f, Objects: func() int { return 3 }, Version: "test", Log: slog.New(slog.DiscardHandler)})
	f.want(t, http.StatusCreated, "PUT", scriptPath, script)
	f.want(t, http.StatusCreated, "PUT", servicePath, service)
	f.want(t, http.StatusCreated, "PUT", serverURL, server)
	for path, body := range map[string]string{
		instancePath: instance,
		"/v1/virtual-servers/web/real-servers/192.0.2.22:80": server,
	} {
		if answer := f.want(t, http.StatusInsufficientStorage, "PUT", path, body); !strings.Contains(answer, "keeps 3 objects and may keep 3: delete some, or raise limits.objects") {
			t.Errorf("answered %s", answer)
		}
	}
	f.want(t, http.StatusOK, "PUT", serverURL, `{"weight":2}`) // no more than before
	f.want(t, http.StatusNoContent, "DELETE", serverURL, "")
	f.want(t, http.StatusInsufficientStorage, "PUT", "/v1/virtual-servers/web/real-servers", `{"servers":{"192.0.2.21:80":{},"192.0.2.22:80":{}}}`)
	f.want(t, http.StatusCreated, "PUT", "/v1/virtual-servers/web/real-servers", `{"servers":{"192.0.2.21:80":{}}}`)
	f.want(t, http.StatusOK, "PUT", "/v1/virtual-servers/web/real-servers", `{"servers":{"192.0.2.22:80":{}}}`) // one for another
	f.want(t, http.StatusOK, "PUT", settingsPath+"?dry_run=true", settings)
	if n := f.store.Desired().Objects(); n != 3 {
		t.Errorf("there are %d", n)
	}
}

// listening serves a handler with a bound on connections and returns the address.
func listening(t *testing.T, limit int, handler http.Handler) string {
	t.Helper()
	server, err := Listen("127.0.0.1:0", TLSFiles{}, nil, limit, handler, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return server.Address().String()
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestAThousandConnectionsThatSayNothingKeepNobodyOut(t *testing.T) {
	t.Parallel()
	const limit = 50
	f := newFixture(t)
	address := listening(t, limit, f.handler)
	client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	get := func() {
		answer, err := client.Get("http://" + address + "/v1/status")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("answered %d, %v", answer.StatusCode, err)
		}
		_ = answer.Body.Close()
	}
	get()
	var last net.Conn
	for range 1000 {
		last = dial(t, address)
	}
	get() // by the connection of before, which said something
	client.CloseIdleConnections()
	get() // by a new one
	if err := last.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := last.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("the last one was closed before others that said nothing for longer: %v", err)
	}
}

func TestAConnectionWithARequestUnderWayIsNotClosedForAnother(t *testing.T) {
	t.Parallel()
	const limit = 4
	underWay, goOn := make(chan struct{}), make(chan struct{})
	address := listening(t, limit, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		underWay <- struct{}{}
		<-goOn
	}))
	conns := make([]net.Conn, limit)
	for i := range conns {
		conns[i] = dial(t, address)
		if _, err := fmt.Fprint(conns[i], "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-underWay
	}
	if n, err := dial(t, address).Read(make([]byte, 1)); err == nil {
		t.Errorf("one more was answered with %d bytes", n)
	}
	close(goOn)
	for _, conn := range conns {
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Errorf("one with a request under way was closed: %v", err)
		}
	}
	go func() {
		<-underWay
	}()
	late := dial(t, address) // in the place of one that rests
	if _, err := fmt.Fprint(late, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := late.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}

func TestOverloadIsAnsweredAndDoesNotKeepHealthFromBeing(t *testing.T) {
	t.Parallel()
	underWay, goOn := make(chan struct{}), make(chan struct{})
	handler := withoutOverload(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if !isHealth(r) {
			underWay <- struct{}{}
			<-goOn
		}
	}))
	var requests sync.WaitGroup
	send := func(path string, body io.Reader) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPut, path, body))
		return w
	}
	begin := func(n int, body func() io.Reader) {
		for range n {
			requests.Go(func() { send("/v1/virtual-servers/web/real-servers", body()) })
			<-underWay
		}
	}
	refused := func(what string, body io.Reader) {
		t.Helper()
		if w := send("/v1/virtual-servers/web/real-servers", body); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || w.Header().Get("Content-Type") != problemType {
			t.Errorf("%s was answered %d %v", what, w.Code, w.Header())
		}
	}
	unsaid := func() io.Reader { return io.MultiReader() } // of no known length
	begin(maxLarge, unsaid)
	refused("another that may be large", unsaid())
	refused("another that is large", strings.NewReader(strings.Repeat("x", MaxBody+1)))
	begin(maxRequests-maxLarge, func() io.Reader { return strings.NewReader("") })
	refused("one more", strings.NewReader(""))
	if w := send("/livez", nil); w.Code != http.StatusOK {
		t.Errorf("/livez answered %d", w.Code)
	}
	close(goOn)
	requests.Wait()
	requests.Go(func() { <-underWay })
	if w := send("/", nil); w.Code != http.StatusOK {
		t.Errorf("after it all answered %d", w.Code)
	}
	requests.Wait()
}

func TestWhoDoesNotComeToTheEndOfHisHeadersIsCutOff(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	conn := dial(t, listening(t, 0, f.handler))
	if _, err := fmt.Fprint(conn, "GET /v1/status HTTP/1.1\r\nHost: localhost\r\n"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * readHeaderTimeout)); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || strings.HasPrefix(string(answer), "HTTP/1.1 2") {
		t.Errorf("after a while it said %q, %v", answer, err)
	}
}
