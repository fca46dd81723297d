/** What Effect's tests know by the name `NodeHttpPlatform`, from what `PagiHttpServer.layer` provides. */
import * as PagiHttpServer from "@pagi/node/PagiHttpServer"
import type { HttpPlatform } from "effect/http/HttpPlatform"
import type * as Layer from "effect/Layer"

export const layer: Layer.Layer<HttpPlatform> = PagiHttpServer.layerHttpServices
