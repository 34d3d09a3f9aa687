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

// socketCount is how many connections are kept: Slack closes each of them every few hours, and slack-go closes the
// old one before it opens the new one, so that a single one leaves a gap in which a click is lost.
const socketCount = 2

// ackTimeout bounds the wait for a connection to take an acknowledgement; Slack itself waits three seconds.
const ackTimeout = 2 * time.Second

// runSockets keeps the connections until ctx ends. What it returns waits for them to be gone.
func (b *Bot) runSockets(ctx context.Context) (wait func()) {
	var open sync.WaitGroup
	for i := range socketCount {
		open.Go(func() {
			delay := time.NewTimer(time.Duration(i) * b.socketDelay)
			defer delay.Stop()
			select {
			case <-delay.C:
				b.runSocket(ctx)
			case <-ctx.Done():
			}
		})
	}
	return open.Wait
}

// runSocket runs one connection, which reconnects by itself, and starts it anew should it ever give up.
func (b *Bot) runSocket(ctx context.Context) {
	for ctx.Err() == nil {
		client := socketmode.New(b.api)
		ended := make(chan error, 1)
		alive, stop := context.WithCancel(ctx)
		go func() { ended <- client.RunContext(alive) }()
		err := b.readEvents(client, ended)
		stop()
		b.stopIfFatal(err)
		if ctx.Err() == nil {
			b.cfg.Log.Warn("a socket to Slack ended and is opened anew", "error", err)
			sleepContext(ctx, time.Second)
		}
	}
}

// readEvents takes what arrives on one connection until it ends. It never blocks: slack-go stops reading, and
// never reconnects, once its events are not taken.
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

func (b *Bot) dispatchEvent(client *socketmode.Client, event socketmode.Event, answering *sync.WaitGroup) {
	switch data := event.Data.(type) {
	case *slack.ConnectionErrorEvent:
		b.stopIfFatal(data.ErrorObj)
		if errors.Is(data.ErrorObj, context.Canceled) {
			return // the bot is being stopped
		}
		b.cfg.Log.Warn("Slack could not be connected to; it is tried again", "attempt", data.Attempt, "error", data.ErrorObj)
		return
	case *socketmode.ErrorBadMessage:
		answering.Go(func() { b.ackUnparsed(client, data.Message) })
		return
	}
	if event.Request == nil || event.Request.EnvelopeID == "" {
		return // of the connection itself
	}
	select {
	case b.workers.ackSlots <- struct{}{}:
		answering.Go(func() {
			defer func() { <-b.workers.ackSlots }()
			b.answerEnvelope(client, event)
		})
	default:
		b.cfg.Log.Warn("Slack delivers faster than can be answered; a request is left without an answer")
	}
}

// answerEnvelope acknowledges one envelope with what its handler replies.
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
		b.cfg.Log.Warn("a request from Slack is not understood", "type", event.Type, "error", err)
	}
	b.ackEnvelope(client, id, reply)
}

func (b *Bot) ackEnvelope(client *socketmode.Client, envelope string, reply any) {
	ctx, cancel := context.WithTimeout(context.Background(), ackTimeout)
	defer cancel()
	if err := client.AckCtx(ctx, envelope, reply); err != nil {
		b.cfg.Log.Warn("an acknowledgement did not reach Slack", "error", err)
	}
}

// ackUnparsed acknowledges what slack-go could not read, so that Slack does not repeat it.
func (b *Bot) ackUnparsed(client *socketmode.Client, message json.RawMessage) {
	var envelope struct {
		ID string `json:"envelope_id"`
	}
	if err := json.Unmarshal(message, &envelope); err != nil || envelope.ID == "" {
		b.cfg.Log.Warn("a message from Slack is not understood", "error", errors.Join(err, errMalformed))
		return
	}
	b.ackEnvelope(client, envelope.ID, nil)
}

// sleepContext waits for d or the end of ctx.
func sleepContext(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
