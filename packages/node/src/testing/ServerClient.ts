/** Effect's HTTP client for the server of a test. Loads much, so it is imported when there is one. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import type * as EffectScope from "effect/Scope"

/** A client on `fetch`, whose requests need a path only: `url` is put before it. */
export const make = (url: string): Effect.Effect<Context.Context<HttpClient.HttpClient>, never, EffectScope.Scope> =>
  Effect.map(Layer.build(FetchHttpClient.layer), (context) => {
    const client = Context.get(context, HttpClient.HttpClient)
    return Context.make(HttpClient.HttpClient, HttpClient.mapRequest(client, HttpClientRequest.prependUrl(url)))
  })
