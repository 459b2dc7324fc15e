const src = 'apps/reference-node/src'

/** @type {readonly import('./mutant.mjs').Mutant[]} */
export const REFERENCE_NODE_MUTANTS = [
  {
    name: 'reference node: a page of somebody else may ask by its own name',
    source: 'DNS rebinding: a request is for a name of this node',
    file: `${src}/http/access.ts`,
    from: '    return misdirected()',
    to: '    return undefined',
  },
  {
    name: 'reference node: any token will do',
    source: 'a change of the cluster needs the admin token',
    file: `${src}/http/access.ts`,
    from: 'if (!timingSafeEqual(digest(token), this.#token))',
    to: 'if (token.length === 0)',
  },
  {
    name: 'reference node: the route of the members asks for no token',
    source: 'a change of the cluster needs the admin token',
    file: `${src}/http/http-edge.ts`,
    from: '      this.#access.assertAdmin(request.raw)\n',
    to: '',
  },
  {
    name: 'reference node: it starts without a token where others can reach it',
    source: 'a change of the cluster needs the admin token',
    file: `${src}/config.ts`,
    from: 'else if (!isLoopback(config.httpHost) && config.adminToken === undefined)',
    to: "else if (config.httpHost === 'nowhere')",
  },
  {
    name: 'reference node: damaged peers are taken for peers',
    source: 'M-25: remembered peers are what was written, or nothing',
    file: `${src}/peers/peer-file.ts`,
    from: ' || content.readUInt32BE(body.length) !== crc32(body)',
    to: '',
  },
  {
    name: 'reference node: peers are written in place',
    source: 'M-25: a crash leaves the peers that were remembered before',
    file: `${src}/peers/peer-file.ts`,
    from: 'const aside = ',
    to: 'const aside = NAME || ',
  },
  {
    name: 'reference node: peers take the place of those before, and may not be on the disk yet',
    source: 'M-25: a crash leaves the peers that were remembered before',
    file: `${src}/peers/peer-file.ts`,
    from: '      await file.sync()\n',
    to: '',
  },
  {
    name: 'reference node: nobody hears where a member says that it listens',
    source: 'M-25: over TCP a member is found where it is now',
    file: `${src}/peers/address-book.ts`,
    from: '      this.#members?.member(id)?.metadata[TCP_ADDRESS],\n',
    to: '',
  },
  {
    name: 'reference node: where the others listened is forgotten over a restart',
    source: 'M-25: over TCP a remembered peer is of use with its address alone',
    file: `${src}/peers/address-book.ts`,
    from: '        if (bytes !== undefined) this.#remember(bytes)\n',
    to: '',
  },
]
