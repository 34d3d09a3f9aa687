package defendertest

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	maxBody      = 1 << 20 // bytes in a request body
	maxKeptCalls = 10_000  // bounds the memory of a simulator that keeps running
)

// Server is one simulated tenant. Create it with [New]. It is safe for concurrent use.
type Server struct {
	options Options
	routes  map[string]methodRoutes
	closed  chan struct{}
	close   func()

	mu       sync.Mutex    // guards all below
	release  chan struct{} // closed to end hung requests
	faults   []*Fault
	calls    []*Call // at least the newest maxKeptCalls
	writes   []*Call
	accepted []time.Time // when calls passed the limits
	issued   int         // how many ids were generated
	scanners []object
	scans    []object
	runs     []run
}

// New returns a simulator, seeded unless o.Empty is set. Call [Server.Close] when done with it.
func New(o Options) *Server {
	s := &Server{options: o, closed: make(chan struct{}), release: make(chan struct{})}
	s.close = sync.OnceFunc(func() { close(s.closed) })
	s.routes = s.newRoutes()
	if !o.Empty {
		s.seedTenant(time.Now())
	}
	return s
}

// request is one request while it is handled.
type request struct {
	*http.Request
	body []byte
	id   string // the {id} of the path
	call *Call
}

// ServeHTTP responds as Defender would, unless a [Fault] applies to the request. A fault that cuts the connection panics
// with [http.ErrAbortHandler], which net/http's server handles.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	req := &request{Request: r, body: body, call: s.recordCall(r, body)}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		s.writeResponse(w, req, s.errorResponse(&apiError{http.StatusRequestEntityTooLarge, "InvalidRequestBody", "Request body is too large"}))
		return
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the caller disconnected while sending
	}
	if f := s.takeFault(r); f != nil {
		s.applyFault(w, req, *f)
		return
	}
	s.writeResponse(w, req, s.handleRequest(req))
}

// handleRequest applies the request to the tenant and returns the genuine response.
func (s *Server) handleRequest(r *request) response {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.routeRequest(r)
	if err != nil {
		return s.errorResponseLocked(err)
	}
	return a
}

// routeRequest checks token, limits and role in this order, and then calls the handler of the route.
func (s *Server) routeRequest(r *request) (response, error) {
	if err := s.checkToken(r); err != nil {
		return response{}, err
	}
	if err := s.checkLimits(time.Now()); err != nil {
		return response{}, err
	}
	route, err := s.findRoute(r)
	if err != nil {
		return response{}, err
	}
	if err := s.checkRole(route); err != nil {
		return response{}, err
	}
	a, err := route.handle(r)
	if err == nil && route.isWrite {
		s.writes = append(s.writes, r.call)
	}
	return a, err
}

// Release ends the requests that hang now by cutting their connections.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.release)
	s.release = make(chan struct{})
}

// Close ends every hung or delayed request, present and future. Call it before httptest.Server.Close, which waits for
// them.
func (s *Server) Close() { s.close() }
