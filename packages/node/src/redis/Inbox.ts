/**
 * Messages of other processes on their way to the subscribers here. Where one of them wants its publishers to wait,
 * messages to that topic are kept back, and those to others go on; Redis itself makes no publisher wait for a subscriber.
 */
import { Fifo } from "@pagi/core/bytes/Fifo"
import type { GapReason, LinkListener } from "@pagi/core/topics/TopicLink"
import type * as Effect from "effect/Effect"

/** What is kept back of all topics together; more is left out, and told as a gap. */
const maxHeldMessages = 10_000
const maxHeldLength = 8 * 1024 * 1024

interface Held {
  readonly items: Fifo<{ readonly text: string } | { readonly reason: GapReason }>
  /** Whether messages were left out behind the last item. */
  isCut: boolean
}

export class Inbox {
  private readonly listener: LinkListener
  /** Runs what a listener wants to be waited for. */
  private readonly run: (effect: Effect.Effect<void>, onEnd: () => void) => void
  private readonly held = new Map<string, Held>()
  private heldMessages = 0
  private heldLength = 0

  constructor(listener: LinkListener, run: (effect: Effect.Effect<void>, onEnd: () => void) => void) {
    this.listener = listener
    this.run = run
  }

  message(topic: string, text: string): void {
    const held = this.held.get(topic)
    if (held === undefined) this.tell(topic, text)
    else this.hold(held, text)
  }

  /** Something may be missing in the topic, or in all of them. */
  gap(topic: string | undefined, reason: GapReason): void {
    if (topic === undefined) {
      this.listener.onGap(undefined, reason)
      // Where messages are held back, that was too early: it is told in its place as well.
      for (const held of this.held.values()) if (!held.isCut) held.items.push({ reason })
      return
    }
    const held = this.held.get(topic)
    if (held === undefined) this.listener.onGap(topic, reason)
    else if (!held.isCut) held.items.push({ reason })
  }

  /** Nobody here subscribes to the topic any more. */
  forget(topic: string): void {
    const held = this.held.get(topic)
    if (held === undefined) return
    this.held.delete(topic)
    for (let item = held.items.shift(); item !== undefined; item = held.items.shift()) this.release(item)
  }

  private tell(topic: string, text: string): void {
    const wait = this.listener.onMessage(topic, text)
    if (wait === undefined) return
    const held: Held = { items: new Fifo(), isCut: false }
    this.held.set(topic, held)
    this.run(wait, () => this.goOn(topic, held))
  }

  private hold(held: Held, text: string): void {
    if (held.isCut) return
    if (this.heldMessages >= maxHeldMessages || this.heldLength + text.length > maxHeldLength) {
      held.isCut = true
      return
    }
    held.items.push({ text })
    this.heldMessages++
    this.heldLength += text.length
  }

  private goOn(topic: string, held: Held): void {
    while (this.held.get(topic) === held) {
      const item = held.items.shift()
      if (item === undefined) {
        this.held.delete(topic)
        if (held.isCut) this.listener.onGap(topic, "overloaded")
        return
      }
      this.release(item)
      if ("reason" in item) {
        this.listener.onGap(topic, item.reason)
        continue
      }
      const wait = this.listener.onMessage(topic, item.text)
      if (wait !== undefined) {
        this.run(wait, () => this.goOn(topic, held))
        return
      }
    }
  }

  private release(item: { readonly text: string } | { readonly reason: GapReason }): void {
    if ("reason" in item) return
    this.heldMessages--
    this.heldLength -= item.text.length
  }
}
