'use strict';

const crypto = require('crypto');

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;

// JWE in compact form (RFC 7516) with the algorithms dir and A256GCM, and nothing else.

// seal encrypts a text. members go into the protected header beside alg and enc.
function seal(text, key, members) {
  const header = Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256GCM', ...members })).toString('base64url');
  const iv = crypto.randomBytes(IV_BYTES);
  const cipher = crypto.createCipheriv(CIPHER, key, iv);
  cipher.setAAD(Buffer.from(header, 'latin1'));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return `${header}..${iv.toString('base64url')}.${sealed.toString('base64url')}.${cipher.getAuthTag().toString('base64url')}`;
}

// open decrypts; keyOf names the key for a header. It throws where anything is not as it must be.
function open(compact, keyOf) {
  const parts = typeof compact === 'string' ? compact.split('.') : [];
  if (parts.length !== 5 || parts[1] !== '') throw new Error('it is no JWE in compact form with a shared key');
  const [iv, sealed, tag] = parts.slice(2).map(decode);
  const header = JSON.parse(decode(parts[0]).toString());
  if (header === null || header.alg !== 'dir' || header.enc !== 'A256GCM' || header.zip !== undefined || header.crit !== undefined) throw new Error('it is not of the algorithms dir and A256GCM');
  if (iv.length !== IV_BYTES || tag.length !== TAG_BYTES) throw new Error('its parts have wrong lengths');
  const decipher = crypto.createDecipheriv(CIPHER, keyOf(header), iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(parts[0], 'latin1'));
  decipher.setAuthTag(tag);
  return { header, text: Buffer.concat([decipher.update(sealed), decipher.final()]).toString() };
}

// Buffer.from skips what is not base64url; two texts must not mean the same.
function decode(text) {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new Error('it is not base64url');
  return bytes;
}

// importKey reads a key as it stands in a frame.
function importKey(k) {
  const key = decode(k);
  if (key.length !== KEY_BYTES) throw new Error(`a key has ${KEY_BYTES} bytes`);
  return crypto.createSecretKey(key);
}

module.exports = { seal, open, importKey };
