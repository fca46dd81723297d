/** What answers: the books, who may change them, and a handler for each endpoint. */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { Api, Book, BookNotFound, Librarian, Unauthorized } from "./Api.ts"

/** Everyone who reads this knows it; a real one comes from the environment, by `Config.redacted`. */
const secret = "open-sesame"

const LibrarianLive = Layer.succeed(Librarian, {
  token: (handler, { credential }) =>
    Redacted.value(credential) === secret
      ? handler
      : Effect.fail(new Unauthorized({ message: `say "Authorization: Bearer ${secret}"` }))
})

export const Library = HttpApiBuilder.group(
  Api,
  "books",
  Effect.fnUntraced(function* (handlers) {
    const books = new Map<number, Book>()
    let latest = 0
    const add = (fields: { readonly title: string; readonly year: number }) => {
      const book = new Book({ ...fields, id: ++latest })
      books.set(book.id, book)
      return book
    }
    yield* Effect.sync(() => {
      add({ title: "The Left Hand of Darkness", year: 1969 })
      add({ title: "The Dispossessed", year: 1974 })
    })

    return handlers.handleAll({
      list: ({ query: { title = "" } }) =>
        Effect.sync(() => [...books.values()].filter((book) => book.title.toLowerCase().includes(title.toLowerCase()))),

      // Read as fast as the client takes it.
      export: () => Effect.succeed(Stream.fromIterable(books.values())),

      find: ({ params: { id } }) =>
        Effect.suspend(() => {
          const book = books.get(id)
          return book === undefined ? Effect.fail(new BookNotFound({ id })) : Effect.succeed(book)
        }),

      add: ({ payload }) => Effect.sync(() => add(payload)),

      remove: ({ params: { id } }) =>
        Effect.suspend(() => (books.delete(id) ? Effect.void : Effect.fail(new BookNotFound({ id }))))
    })
  })
).pipe(Layer.provide(LibrarianLive))
