/**
 * The second variant of the chat: one server with several workers, whose rooms are entities of Effect's cluster. Each
 * room is in one of the workers, which has its history in memory; the topics are carried by the workers themselves, and
 * Redis only remembers what was said.
 *
 *     npm run example:cluster-chat -- --entities
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PagiCluster from "@pagi/node/PagiCluster"
import * as PagiTopics from "@pagi/node/PagiTopics"
import * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as Chat from "./Chat.ts"
import * as History from "./History.ts"
import * as RoomEntity from "./RoomEntity.ts"

const redis = NodeRedis.layerConfig({ url: Config.String("REDIS_URL") })

const memory = History.layerRedis.pipe(Layer.provide(redis))

export default Chat.layer.pipe(
  Layer.provide([RoomEntity.layerHistory, PagiTopics.layer]),
  Layer.provide(RoomEntity.layer.pipe(Layer.provide(memory))),
  Layer.provide(PagiCluster.layer())
)
