/** A cluster in the workers of one server, whose messages are in a database. */
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as PagiCluster from "@pagi/node/PagiCluster"
import * as SqlMessageStorage from "effect/cluster/SqlMessageStorage"
import * as Layer from "effect/Layer"

export const Cluster = PagiCluster.layerStored().pipe(
  Layer.provideMerge(SqlMessageStorage.layer),
  Layer.provide(NodeCrypto.layerDigest)
)
