// Preloaded by `node -r` before a program of lwm2m-node-lib: sets what its configuration file fixes.
'use strict';

const config = require('lwm2m-node-lib/config');

config.server.port = Number(process.env.SERVER_PORT || 0);
// The formats by the numbers that OMA registered; the library's own are of a draft.
config.server.writeFormat = 'text/plain';
config.server.logLevel = 'FATAL';
config.client.logLevel = 'FATAL';
config.client.lifetime = process.env.LIFETIME || '60';
// The CoAP library below drops a request whose Content-Format it has no name for, instead of answering 4.15; a Write of
// ours is TLV first. Reads need no such help: we leave the format to a device of 1.0 that announces none.
config.client.formats.push({ name: 'application/vnd.oma.lwm2m+tlv', value: 11542 });
