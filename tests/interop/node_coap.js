// node's `coap`, as a server (`node_coap.js serve 5683`) and as a client (`node_coap.js METHOD URI [TEXT]`).
'use strict'

const coap = require('coap')

function serve(port) {
  let value = 'nothing yet'
  const observers = new Set()
  const server = coap.createServer((request, response) => {
    if (request.method === 'PUT') {
      value = request.payload
      response.code = '2.04'
      response.end()
      observers.forEach((observer) => observer.write(value))
    } else if (request.headers.Observe === 0) {
      observers.add(response)
      response.on('finish', () => observers.delete(response))
      response.write(value)
    } else if (request.url === '/long') {
      response.end(Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251)))
    } else if (request.url === '/value') {
      response.end(value)
    } else {
      response.code = '4.04'
      response.end()
    }
  })
  server.listen(port, '127.0.0.1', () => console.log('ready'))
}

function ask(method, uri, text) {
  const url = new URL(uri)
  const request = coap.request({
    hostname: url.hostname,
    port: url.port,
    pathname: url.pathname,
    method: method === 'observe' ? 'GET' : method.toUpperCase(),
    observe: method === 'observe'
  })
  request.on('response', (response) => {
    const tell = (payload) => console.log(response.code, payload.length, payload.toString().slice(0, 60))
    if (method === 'observe') {
      response.on('data', tell)
    } else {
      tell(response.payload)
      process.exit()
    }
  })
  request.on('error', (error) => { throw error })
  request.end(text)
}

const [verb, target, text] = process.argv.slice(2)
if (verb === 'serve') serve(Number(target))
else ask(verb, target, text)
