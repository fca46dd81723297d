// The page of the chat. What others say and how they call themselves is text for it, never markup.

/** Milliseconds before the first try to connect again; each try after it waits twice as long, up to the longest. */
const shortestPause = 500
const longestPause = 15_000

/** Messages and notes that the page keeps. */
const memory = 500

/** Differs from that of every other page, so that the keys of its messages do. */
const pageId = Math.random().toString(36).slice(2, 12)
let count = 0

/**
 * A connection to a room that is made again whenever it is lost, until it is closed. It then asks for what it has missed,
 * and says once more what it has not heard back.
 */
class Connection {
  #room
  #name
  #listener
  /** The last message that has come. */
  #last
  /** What was said and has not come back, by the keys of the messages. */
  #unconfirmed = new Map()
  #socket
  #subscription
  #members
  #timer
  #failures = 0

  /** @param listener has `onState("connecting" | "open" | "lost")`, `onMessage(message)` and `onMembers(names)` */
  constructor(room, name, listener) {
    this.#room = `rooms/${encodeURIComponent(room)}`
    this.#name = name
    this.#listener = listener
    addEventListener("online", this)
    addEventListener("offline", this)
    this.#open()
  }

  say(text) {
    const key = `${pageId}-${++count}`
    this.#unconfirmed.set(key, text)
    this.#send(key, text)
  }

  #send(key, text) {
    this.#socket.send(JSON.stringify({ type: "say", key, text }))
  }

  close() {
    removeEventListener("online", this)
    removeEventListener("offline", this)
    this.#hangUp()
  }

  /** The browser has found or lost its network. */
  handleEvent({ type }) {
    if (type === "online") this.#open()
    else this.#lose()
  }

  #open() {
    this.#hangUp()
    this.#listener.onState("connecting")
    const address = new URL(this.#room, document.baseURI)
    address.searchParams.set("name", this.#name)
    if (this.#last !== undefined) address.searchParams.set("after", this.#last)
    address.protocol = address.protocol.replace("http", "ws")
    const socket = new WebSocket(address)
    this.#socket = socket
    // What a socket says after it was given up concerns nobody.
    this.#subscription = new AbortController()
    const { signal } = this.#subscription
    socket.addEventListener("open", () => this.#begin(), { signal })
    socket.addEventListener("message", ({ data }) => this.#hear(JSON.parse(data)), { signal })
    socket.addEventListener("close", () => this.#lose(), { signal })
  }

  #begin() {
    this.#failures = 0
    this.#listener.onState("open")
    this.#members = new EventSource(`${this.#room}/members`)
    this.#members.addEventListener("members", ({ data }) => this.#listener.onMembers(JSON.parse(data)))
    // It comes back by itself, unless it was answered with an error: then there was no server to tell.
    this.#members.addEventListener("error", ({ target }) => {
      if (target === this.#members && target.readyState === EventSource.CLOSED) this.#lose()
    })
    for (const [key, text] of this.#unconfirmed) this.#send(key, text)
  }

  #hear(message) {
    if (message.type === "said") this.#last = message.id
    this.#unconfirmed.delete(message.key)
    this.#listener.onMessage(message)
  }

  #lose() {
    this.#hangUp()
    this.#listener.onState("lost")
    // Pages that have lost their server together should not all come back in the same moment.
    const pause = Math.min(shortestPause * 2 ** this.#failures++, longestPause) * (0.5 + Math.random() / 2)
    this.#timer = setTimeout(() => this.#open(), pause)
  }

  #hangUp() {
    clearTimeout(this.#timer)
    this.#subscription?.abort()
    this.#socket?.close()
    this.#members?.close()
  }
}

const element = (id) => document.getElementById(id)

const make = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

/** A name in a sentence, whatever direction it is written in. */
const nameOf = (name) => make("bdi", { textContent: name })

// the log -------------------------------------------------------------------------------------------------------------

const log = element("log")
/** Ids of the messages that are shown: a room that does not know the last of them repeats what it remembers. */
let shown = new Set()
/** Whether the newest message is in view, and has to stay there. */
let followsEnd = true

const scrollToEnd = () => {
  if (followsEnd) log.scrollTop = log.scrollHeight
}
log.addEventListener("scroll", () => {
  followsEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 48
})
// The keyboard of a phone takes its place away.
new ResizeObserver(scrollToEnd).observe(log)

const append = (item) => {
  log.append(item)
  if (log.children.length > memory) log.firstElementChild.remove()
  scrollToEnd()
}

const note = (...content) => append(make("li", { className: "note" }, ...content))

const time = new Intl.DateTimeFormat(undefined, { timeStyle: "short" })

const showMessage = ({ id, from, text, at }, isOwn) => {
  if (shown.has(id)) return
  shown.add(id)
  followsEnd ||= isOwn
  const date = new Date(at)
  append(
    make(
      "li",
      { className: isOwn ? "message own" : "message" },
      make(
        "div",
        { className: "speaker" },
        nameOf(from),
        make("time", { dateTime: date.toISOString(), textContent: time.format(date) })
      ),
      make("p", { dir: "auto", textContent: text })
    )
  )
}

// inside --------------------------------------------------------------------------------------------------------------

const stateTexts = { connecting: "Connecting …", open: "Connected", lost: "Not connected. Trying again …" }

const showState = (state) => {
  // What is typed meanwhile stays in its field: without this button the form is not sent.
  element("send").disabled = state !== "open"
  if (state === "lost") element("members").replaceChildren()
  // The next try and its failure would only be noise.
  if (state === "connecting" && element("state").dataset.state === "lost") return
  element("state").textContent = stateTexts[state]
  element("state").dataset.state = state
}

const enter = (room, name) => {
  /** Those who were there last; unknown after every start of the connection. */
  let present
  return new Connection(room, name, {
    onState: (state) => {
      present = undefined
      showState(state)
    },
    onMessage: (message) => {
      if (message.type === "said") showMessage(message, message.from === name)
      // Where there are several servers, each says which one it is.
      if (message.type === "welcome") element("state").textContent = `Connected to ${message.server}`
      if (message.type === "refused") note(`The room has not taken that. ${message.reason}`)
    },
    onMembers: (names) => {
      element("members").replaceChildren(
        ...names.map((other) => make("li", {}, nameOf(other), other === name ? " (you)" : ""))
      )
      // Where there are several servers, this page may come in later than it sees who is there.
      const others = (list) => list.filter((other) => other !== name)
      for (const other of others(names)) if (present?.includes(other) === false) note(nameOf(other), " has come in.")
      for (const other of others(present ?? [])) if (!names.includes(other)) note(nameOf(other), " has left.")
      present = names
    }
  })
}

// the forms -----------------------------------------------------------------------------------------------------------

const fields = { name: element("name"), room: element("room"), text: element("text") }
let connection

const show = (isInside) => {
  element("outside").hidden = isInside
  element("inside").hidden = !isInside
  const field = isInside ? fields.text : fields.name
  field.focus()
}

const comeIn = (name, room) => {
  // The address leads others into the same room, and whoever loads it again comes in under the same name.
  history.replaceState({ name }, "", `?room=${encodeURIComponent(room)}`)
  element("title").textContent = document.title = `#${room}`
  log.replaceChildren()
  shown = new Set()
  show(true)
  connection = enter(room, name)
}

element("entrance").addEventListener("submit", (event) => {
  event.preventDefault()
  comeIn(fields.name.value.trim(), fields.room.value.toLowerCase())
})

element("leave").addEventListener("click", () => {
  connection.close()
  history.replaceState(null, "")
  document.title = "Chat"
  delete element("state").dataset.state
  element("members").replaceChildren()
  show(false)
})

element("speech").addEventListener("submit", (event) => {
  event.preventDefault()
  if (fields.text.value.trim() === "") return
  connection.say(fields.text.value)
  fields.text.value = ""
  fields.text.focus()
})

fields.name.value = history.state?.name ?? ""
fields.room.value = new URLSearchParams(location.search).get("room") ?? fields.room.value
if (fields.name.value === "") show(false)
else comeIn(fields.name.value, fields.room.value)
