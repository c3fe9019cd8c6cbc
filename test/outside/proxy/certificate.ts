/** A self-signed certificate, made anew each time: written by hand, because a machine need not have openssl. */
import { generateKeyPairSync, sign } from "node:crypto"

export interface Certificate {
  key: string
  cert: string
}

const [INTEGER, BIT_STRING, OCTETS, OBJECT, UTF8, TIME, SEQUENCE, SET] = [2, 3, 4, 6, 0x0c, 0x18, 0x30, 0x31]
const [VERSION, EXTENSIONS, IP_ADDRESS] = [0xa0, 0xa3, 0x87]
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = "2a8648ce3d040302"
/** 2.5.4.3 */
const COMMON_NAME = "550403"
/** 2.5.29.17 */
const ALTERNATIVE_NAME = "551d11"

/** A certificate of `subject` for 127.0.0.1 that nobody vouches for. */
export function selfSigned(subject: string): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const algorithm = der(SEQUENCE, object(ECDSA_WITH_SHA256))
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, object(COMMON_NAME), der(UTF8, Buffer.from(subject)))))
  const validity = der(SEQUENCE, time("20200101000000Z"), time("20991231235959Z"))
  const addresses = der(SEQUENCE, der(IP_ADDRESS, Buffer.of(127, 0, 0, 1)))
  const body = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.of(2))),
    der(INTEGER, Buffer.of(1)),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(EXTENSIONS, der(SEQUENCE, der(SEQUENCE, object(ALTERNATIVE_NAME), der(OCTETS, addresses)))),
  )
  const signature = der(BIT_STRING, Buffer.of(0), sign("sha256", body, privateKey))
  const pem = der(SEQUENCE, body, algorithm, signature).toString("base64").replace(/.{64}/g, "$&\n")
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    cert: `-----BEGIN CERTIFICATE-----\n${pem}\n-----END CERTIFICATE-----\n`,
  }
}

function object(hex: string): Buffer {
  return der(OBJECT, Buffer.from(hex, "hex"))
}

function time(text: string): Buffer {
  return der(TIME, Buffer.from(text))
}

/** A value with its tag and its length, as DER writes them. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const prefix = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...prefix), content])
}
