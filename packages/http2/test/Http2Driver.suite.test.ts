import { testDriver } from "@pagi/core/test/drivers/DriverSuite"
import { http2 } from "./support/Http2Client.ts"

testDriver(http2)
