/**
 * Session tickets with keys that others know too. `setTicketKeys`, which is what Node has for that, takes one key: with
 * each change every session would be lost. Below it is a callback that is asked for the key of every ticket, an internal
 * that is the same in Node 22 and 24 (`enableTicketKeyCallback`). Where it is not found, there is one key, which stays.
 */
import { hkdfSync, randomFillSync } from "node:crypto"
import type { SecureContext, Server } from "node:tls"
import type { TicketKeyring, TicketSecrets } from "./TicketSecrets.ts"

/** Bytes of each part of a key: its name, by which a ticket says whose it is, and what authenticates and encrypts. */
const partLength = 16

interface TicketKey {
  readonly name: Buffer
  readonly hmac: Buffer
  readonly aes: Buffer
}

/** What the callback answers: whether to take the ticket, and with which key; for a new one its name and IV too. */
type TicketAnswer = readonly [verdict: number, hmac: Buffer, aes: Buffer, name?: Buffer, iv?: Buffer]

const verdicts = { refuse: 0, take: 1, takeAndRenew: 2 } as const

/** What is below a context, as far as it is used here; not declared, because it is not public. */
interface ContextHandle {
  enableTicketKeyCallback?: () => void
  onticketkeycallback?: (name: Buffer, iv: Buffer, isNew: boolean) => TicketAnswer
}

/**
 * The keys that belong to the secrets of a keyring.
 *
 * @param binding what a session is bound to: with another certificate, or other authorities that vouch for clients, all
 *   keys are others
 */
export class TicketKeys {
  readonly #keyring: TicketKeyring
  readonly #binding: string
  #secrets: TicketSecrets | undefined = undefined
  #keys: readonly [current: TicketKey, next: TicketKey, previous: TicketKey] | undefined = undefined

  constructor(keyring: TicketKeyring, binding: string) {
    this.#keyring = keyring
    this.#binding = binding
  }

  /** Of new tickets. */
  get current(): TicketKey {
    return this.#known[0]
  }

  /** Of a ticket with that name. */
  find(name: Uint8Array): TicketKey | undefined {
    return this.#known.find((key) => key.name.equals(name))
  }

  get #known(): readonly [current: TicketKey, next: TicketKey, previous: TicketKey] {
    const { secrets } = this.#keyring
    if (this.#keys !== undefined && this.#secrets === secrets) return this.#keys
    this.#secrets = secrets
    return (this.#keys = [this.#derive(secrets.current), this.#derive(secrets.next), this.#derive(secrets.previous)])
  }

  #derive(secret: string): TicketKey {
    const bytes = Buffer.from(hkdfSync("sha256", Buffer.from(secret, "hex"), "", this.#binding, 3 * partLength))
    const part = (index: number): Buffer => bytes.subarray(index * partLength, (index + 1) * partLength)
    return { name: part(0), hmac: part(1), aes: part(2) }
  }
}

/** Random bytes in advance: to ask for a few of them takes as long as for many. */
const ivCount = 256
const ivBytes = Buffer.alloc(ivCount * partLength)
const ivs = Array.from({ length: ivCount }, (_, index) =>
  ivBytes.subarray(index * partLength, (index + 1) * partLength)
)
const unusedIvs: Array<Buffer> = []

/** Used by OpenSSL at once, so that the same arrays can be filled again. */
const nextIv = (): Buffer => {
  const iv = unusedIvs.pop()
  if (iv !== undefined) return iv
  randomFillSync(ivBytes)
  unusedIvs.push(...ivs)
  return nextIv()
}

/** Has a server and the contexts that it chooses from make and take tickets with these keys. */
export const useKeys = (server: Server, contexts: Iterable<SecureContext>, keys: TicketKeys): void => {
  // The first is where the server keeps its own; not public either.
  const { _sharedCreds: own } = server as unknown as { readonly _sharedCreds?: SecureContext }
  const handles = [own, ...contexts].map((context) => context?.context as ContextHandle | undefined)
  if (handles.some((handle) => handle?.enableTicketKeyCallback === undefined)) {
    const { aes, hmac, name } = keys.current
    server.setTicketKeys(Buffer.concat([name, hmac, aes]))
    return
  }
  const answer = (name: Buffer, _iv: Buffer, isNew: boolean): TicketAnswer => {
    const { current } = keys
    if (isNew) return [verdicts.take, current.hmac, current.aes, current.name, nextIv()]
    const key = keys.find(name)
    if (key === undefined) return [verdicts.refuse, current.hmac, current.aes]
    return [key === current ? verdicts.take : verdicts.takeAndRenew, key.hmac, key.aes]
  }
  for (const handle of handles) {
    if (handle === undefined) continue
    handle.onticketkeycallback = answer
    handle.enableTicketKeyCallback?.()
  }
}
