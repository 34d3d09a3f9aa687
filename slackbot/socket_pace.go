package slackbot

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

const (
	// shortLived is how long a connection lasts at least that is not counted as ended directly. Slack closes a connection after
	// hours, and at once, with too_many_websockets, when the app has more than ten.
	shortLived = 10 * time.Second
	// maxSocketPause bounds the pause before a connection is opened again.
	maxSocketPause = 5 * time.Minute
	// spareAfter is after how many connections in a row that ended directly the second socket is given up for a while.
	spareAfter = 2
)

// socketPacer delays apps.connections.open while connections end directly after they were opened. slack-go does not: it hides why a
// connection ended, and opens the next one at once. It is safe for concurrent use.
type socketPacer struct {
	log *slog.Logger

	mu        sync.Mutex
	pause     time.Duration // before the second attempt; doubles from there
	givenUp   time.Duration // how long the second socket is left closed
	histories [socketCount]socketHistory
}

// socketHistory is what happened to one socket.
type socketHistory struct {
	opened time.Time // when a connection was last asked for
	short  int       // how many in a row ended directly
}

func newSocketPacer(log *slog.Logger) *socketPacer {
	return &socketPacer{log: log, pause: time.Second, givenUp: 10 * time.Minute}
}

// next records that socket i asks for a connection, and returns the pause before it may have one. spare reports whether the socket
// is given up for that time.
func (p *socketPacer) next(i int, now time.Time) (pause time.Duration, times int, spare bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &p.histories[i]
	if h.opened.IsZero() || now.Sub(h.opened) >= shortLived {
		h.short, h.opened = 0, now
		return 0, 0, false
	}
	h.short++
	spare = i > 0 && (h.short >= spareAfter || p.histories[0].short >= spareAfter)
	if pause = maxSocketPause; spare {
		pause = p.givenUp
	} else if h.short < 20 {
		pause = min(p.pause<<(h.short-1), maxSocketPause)
	}
	pause = pause/2 + rand.N(pause/2+1) // other replicas must not ask at the same moment
	h.opened = now.Add(pause)
	return pause, h.short, spare
}

// wait waits until socket i may ask for a connection. It returns the error of ctx if that ends first.
func (p *socketPacer) wait(ctx context.Context, i int) error {
	pause, times, spare := p.next(i, time.Now())
	const advice = "run fewer replicas with this app, or use signed HTTP: Slack allows an app ten connections"
	switch {
	case spare:
		p.log.WarnContext(ctx, "the second connection to Slack is given up for a while", "times", times, "pause", pause, "do", advice)
	case times > 0:
		p.log.WarnContext(ctx, "a connection to Slack ended directly after it was opened", "socket", i+1, "times", times, "pause", pause, "do", advice)
	}
	sleepContext(ctx, pause)
	return ctx.Err()
}

// pacedClient is the HTTP client of one socket. It has one use: to call apps.connections.open.
type pacedClient struct {
	http  *http.Client
	pacer *socketPacer
	index int
}

// Do waits as the pacer requires and then sends the request.
func (c pacedClient) Do(r *http.Request) (*http.Response, error) {
	if err := c.pacer.wait(r.Context(), c.index); err != nil {
		return nil, err
	}
	return c.http.Do(r)
}

// socketAPI returns the API client of socket i.
func (b *Bot) socketAPI(i int) *slack.Client {
	return slack.New(revealString(b.cfg.BotToken), slack.OptionAPIURL(b.cfg.API), slack.OptionHTTPClient(pacedClient{b.http, b.pacer, i}),
		slack.OptionAppLevelToken(revealString(b.cfg.AppToken)))
}
