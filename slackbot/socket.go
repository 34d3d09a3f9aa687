package slackbot

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
)

// socketCount is the number of connections. Slack closes each of them every few hours, and slack-go closes the old
// one before it opens the new one: a single connection leaves a gap in which a click is lost.
const socketCount = 2

// ackTimeout bounds the wait for a connection to take an acknowledgement. Slack waits three seconds for it.
const ackTimeout = 2 * time.Second

// runSockets keeps socketCount connections until ctx ends. It returns a function that waits until they are closed.
func (b *Bot) runSockets(ctx context.Context) (wait func()) {
	var open sync.WaitGroup
	for i := range socketCount {
		open.Go(func() {
			delay := time.NewTimer(time.Duration(i) * b.waits.socketDelay)
			defer delay.Stop()
			select {
			case <-delay.C:
				b.runSocket(ctx, i)
			case <-ctx.Done():
			}
		})
	}
	return open.Wait
}

// runSocket keeps connection i. slack-go reconnects by itself; if it gives up, runSocket starts a new client. The pacer delays both.
func (b *Bot) runSocket(ctx context.Context, i int) {
	api := b.socketAPI(i)
	for ctx.Err() == nil {
		client := socketmode.New(api)
		ended := make(chan error, 1)
		alive, stop := context.WithCancel(ctx)
		go func() { ended <- client.RunContext(alive) }()
		err := b.readEvents(client, ended)
		stop()
		b.stopIfFatal(newCallError(methodOpenSocket, "", err))
		if ctx.Err() == nil {
			b.cfg.Log.Warn("a socket to Slack ended; opening another", "error", err)
		}
	}
}

// readEvents dispatches what arrives on one connection, and returns the error with which it ends. It never blocks:
// slack-go stops reading, and never reconnects, if its events are not taken.
func (b *Bot) readEvents(client *socketmode.Client, ended <-chan error) error {
	var answering sync.WaitGroup
	defer answering.Wait()
	for {
		select {
		case err := <-ended:
			return err
		case event := <-client.Events:
			b.dispatchEvent(client, event, &answering)
		}
	}
}

// dispatchEvent starts the handler of one event in a goroutine of answering. When all ackSlots are taken it drops the
// event.
func (b *Bot) dispatchEvent(client *socketmode.Client, event socketmode.Event, answering *sync.WaitGroup) {
	switch data := event.Data.(type) {
	case *slack.ConnectionErrorEvent:
		b.stopIfFatal(newCallError(methodOpenSocket, "", data.ErrorObj))
		if errors.Is(data.ErrorObj, context.Canceled) {
			return // the bot is stopping
		}
		b.cfg.Log.Warn("failed to connect to Slack; retrying", "attempt", data.Attempt, "error", data.ErrorObj)
		return
	case *socketmode.ErrorBadMessage:
		answering.Go(func() { b.ackUnparsed(client, data.Message) })
		return
	}
	if event.Request == nil || event.Request.EnvelopeID == "" {
		return // about the connection itself
	}
	select {
	case b.workers.ackSlots <- struct{}{}:
		answering.Go(func() {
			defer func() { <-b.workers.ackSlots }()
			b.answerEnvelope(client, event)
		})
	default:
		b.cfg.Log.Warn("too many requests from Slack at once; one is dropped")
	}
}

// answerEnvelope handles one envelope and acknowledges it with the handler's reply.
func (b *Bot) answerEnvelope(client *socketmode.Client, event socketmode.Event) {
	defer func() {
		if p := recover(); p != nil {
			b.cfg.Log.Error("panic in Slack handler", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	var reply any
	var err error
	id := event.Request.EnvelopeID
	switch data := event.Data.(type) {
	case slack.SlashCommand:
		reply, err = b.handleCommand(data, id)
	case slack.InteractionCallback:
		reply, err = b.handleInteraction(data, id)
	default:
		if event.Type == socketmode.EventTypeEventsAPI {
			reply, err = b.handleEvent(event.Request.Payload, id)
		}
	}
	if err != nil {
		b.cfg.Log.Warn("failed to parse a request from Slack", "type", event.Type, "error", err)
	}
	b.ackEnvelope(client, id, reply)
}

// ackEnvelope sends an acknowledgement with a reply; nil is an empty one.
func (b *Bot) ackEnvelope(client *socketmode.Client, envelope string, reply any) {
	ctx, cancel := context.WithTimeout(context.Background(), ackTimeout)
	defer cancel()
	if err := client.AckCtx(ctx, envelope, reply); err != nil {
		b.cfg.Log.Warn("failed to acknowledge a request to Slack", "error", err)
	}
}

// ackUnparsed acknowledges a message that slack-go could not parse, so that Slack does not repeat it.
func (b *Bot) ackUnparsed(client *socketmode.Client, message json.RawMessage) {
	var envelope struct {
		ID string `json:"envelope_id"`
	}
	if err := json.Unmarshal(message, &envelope); err != nil || envelope.ID == "" {
		b.cfg.Log.Warn("failed to parse a message from Slack", "error", errors.Join(err, errMalformed))
		return
	}
	b.ackEnvelope(client, envelope.ID, nil)
}

// sleepContext returns after d, or when ctx ends.
func sleepContext(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
