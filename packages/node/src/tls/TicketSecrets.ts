/**
 * The secrets from which every process of a server makes the keys of its session tickets. A client that comes back shows
 * a ticket, which whoever knows its key can read: so a session that began at one worker goes on at another one, and at
 * the server that takes over from this one.
 */
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import type * as EffectScope from "effect/Scope"
import { randomBytes } from "node:crypto"

/** Three of them, in hexadecimal. */
export interface TicketSecrets {
  /** Of nobody's tickets yet. All know it before the first of them uses it. */
  readonly next: string
  /** Of new tickets. */
  readonly current: string
  /** Of those that were new before. */
  readonly previous: string
}

/**
 * Minutes for which a secret is that of new tickets. For as long again it is known, so that every ticket lives as long as
 * it may; then nobody can read what was recorded of its connections.
 */
const minutesOfUse = 60

/** Seconds for which a ticket is good. */
export const ticketLifetime = minutesOfUse * 60

const random = (): string => randomBytes(32).toString("hex")

export const make = (): TicketSecrets => ({ next: random(), current: random(), previous: random() })

const isSecret = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{64}$/.test(value)

/** What somebody has sent; nothing when these are no secrets. */
export const from = (value: unknown): TicketSecrets | undefined => {
  if (!hasProperty(value, "next") || !hasProperty(value, "current") || !hasProperty(value, "previous")) return undefined
  const { current, next, previous } = value
  return isSecret(next) && isSecret(current) && isSecret(previous) ? { next, current, previous } : undefined
}

/** The secrets that a process uses, which change. */
export class TicketKeyring {
  secrets: TicketSecrets
  /** Minutes for which the current secret has been in use. */
  age: number

  constructor(secrets: TicketSecrets = make(), age = 0) {
    this.secrets = secrets
    this.age = age
  }

  /** Answers whether the secrets have changed. */
  ageByMinute(): boolean {
    this.age++
    if (this.age < minutesOfUse) return false
    this.age = 0
    const { current, next } = this.secrets
    this.secrets = { next: random(), current: next, previous: current }
    return true
  }
}

/** Lets a keyring age until the scope closes; `onChange` is called after each change of its secrets. */
export const keepFresh = (
  keyring: TicketKeyring,
  onChange: () => void = () => {}
): Effect.Effect<void, never, EffectScope.Scope> =>
  Effect.sync(() => {
    if (keyring.ageByMinute()) onChange()
  }).pipe(Effect.delay("1 minute"), Effect.forever, Effect.forkScoped, Effect.asVoid)

/** A keyring as a text for another process, in one line. */
export const write = ({ age, secrets }: TicketKeyring): string => `${JSON.stringify({ age, secrets })}\n`

/** The keyring of such a text; a new one when it is something else. */
export const read = (text: string): TicketKeyring => {
  try {
    const { age, secrets }: Readonly<Record<string, unknown>> = { ...JSON.parse(text) }
    const known = from(secrets)
    if (known !== undefined && Number.isSafeInteger(age)) return new TicketKeyring(known, Number(age))
  } catch {
    // No JSON is as wrong as another value.
  }
  return new TicketKeyring()
}
