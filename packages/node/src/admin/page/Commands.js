/** What an administrator can do: replace the workers, have one more, have one less. */

/** @import { AdminStatus } from "../AdminSource.ts" */
import { element, write } from "./Tables.js"

/**
 * @typedef {object} Command
 * @property {string} title
 * @property {string} text what it means
 * @property {string} action the button that does it
 * @property {string} done
 * @property {boolean} asks Whether it is asked for before it is done.
 */

/** @type {Readonly<Record<string, Command>>} */
const commands = {
  reload: {
    title: "Reload the workers?",
    text: "Each worker is replaced by a new one, one after the other. Requests that have begun are finished.",
    action: "Reload",
    done: "The workers are being replaced.",
    asks: true
  },
  "workers/add": {
    title: "Add a worker",
    text: "There will be one worker more.",
    action: "Add a worker",
    done: "A worker is being added.",
    asks: false
  },
  "workers/remove": {
    title: "Remove a worker?",
    text: "One worker finishes the requests that it has begun, and ends.",
    action: "Remove a worker",
    done: "A worker is being removed.",
    asks: true
  }
}

/** Milliseconds that an answer may take. */
const patience = 10_000

/** @param {string} id */
const input = (id) => {
  const found = element(id)
  if (!(found instanceof HTMLInputElement)) throw new Error(`#${id} is no field`)
  return found
}

const dialog = () => {
  const found = element("confirmation")
  if (!(found instanceof HTMLDialogElement)) throw new Error("#confirmation is no dialog")
  return found
}

export class Commands {
  /** Kept nowhere else, so that it is gone with the page. */
  #token = ""
  #isBusy = false
  /** @type {AdminStatus["commands"]} */
  #access = "none"

  constructor() {
    element("confirmation-cancel").addEventListener("click", () => dialog().close())
    for (const button of element("commands").querySelectorAll("button")) {
      button.addEventListener("click", () => void this.#begin(button.dataset["command"] ?? ""))
    }
  }

  /** @param {AdminStatus["commands"]} access how they can be given */
  show(access) {
    this.#access = access
    element("commands").hidden = access === "none"
  }

  /** @param {string} name */
  async #begin(name) {
    const command = commands[name]
    if (command === undefined || this.#isBusy) return
    this.#isBusy = true
    try {
      const wantsToken = this.#access === "token" && this.#token === ""
      if ((command.asks || wantsToken) && !(await this.#ask(command, wantsToken))) return
      let answer = await this.#send(name)
      while (answer.status === 401) {
        const note = this.#token === "" ? "" : "The server does not know that token. "
        this.#token = ""
        if (!(await this.#ask(command, true, note))) return
        answer = await this.#send(name)
      }
      const reason = answer.ok
        ? command.done
        : (await answer.text()).trim() || `The server has answered ${answer.status}.`
      this.#tell(reason, answer.ok)
    } catch {
      this.#tell("The server has not answered.", false)
    } finally {
      this.#isBusy = false
    }
  }

  /**
   * @param {string} text
   * @param {boolean} isGood
   */
  #tell(text, isGood) {
    const outcome = element("outcome")
    write(outcome, text)
    outcome.dataset["tone"] = isGood ? "good" : "bad"
  }

  /** @param {string} name */
  #send(name) {
    return fetch(`commands/${name}`, {
      method: "POST",
      headers: this.#token === "" ? {} : { authorization: `Bearer ${this.#token}` },
      signal: AbortSignal.timeout(patience)
    })
  }

  /**
   * Whether it is to be done; takes the token if that is what is missing.
   *
   * @param {Command} command
   * @param {boolean} wantsToken
   * @param {string} [note] what was wrong before
   * @returns {Promise<boolean>}
   */
  #ask({ action, text, title }, wantsToken, note = "") {
    const shown = dialog()
    const field = input("token")
    write(element("confirmation-title"), title)
    write(
      element("confirmation-text"),
      wantsToken
        ? `${note}${text} It takes the admin token of the server, which this page forgets when it is closed.`
        : text
    )
    write(element("confirmation-do"), action)
    element("token-field").hidden = !wantsToken
    field.required = wantsToken
    field.value = ""
    shown.returnValue = ""
    shown.showModal()
    if (wantsToken) field.focus()
    return new Promise((resolve) => {
      const end = () => {
        if (wantsToken) this.#token = field.value
        field.value = ""
        resolve(shown.returnValue === "do")
      }
      shown.addEventListener("close", end, { once: true })
    })
  }
}
