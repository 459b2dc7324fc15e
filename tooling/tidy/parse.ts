import { parseSync } from 'vite'

/** A node of the syntax tree, as oxc gives it: an ESTree node with the extensions for TypeScript. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [property: string]: unknown
}

/** An import or re-export of another module. */
export interface Import {
  readonly from: string
  /** Gone after compilation. */
  readonly typeOnly: boolean
  readonly line: number
}

/** A parsed file. */
export interface Module {
  readonly path: string
  readonly text: string
  readonly program: SyntaxNode
  readonly imports: readonly Import[]
  readonly comments: readonly { readonly text: string; readonly line: number; readonly endLine: number }[]
  /** The line, from 1, of an offset. */
  lineOf(offset: number): number
}

/** Parses a file of TypeScript or JavaScript; throws on a syntax error. */
export function parseModule(path: string, text: string): Module {
  const { program, comments, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`)
  const lineStarts = [0]
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) lineStarts.push(i + 1)
  const lineOf = (offset: number): number => {
    const next = lineStarts.findIndex((start) => start > offset)
    return next < 0 ? lineStarts.length : next
  }
  const root = program as unknown as SyntaxNode
  return {
    path,
    text,
    program: root,
    imports: importsOf(root, lineOf),
    comments: comments.map(({ value, start, end }) => ({ text: value, line: lineOf(start), endLine: lineOf(end) })),
    lineOf,
  }
}

/** Visits a node and all nodes below it, parents first. */
export function visit(node: SyntaxNode, visitor: (node: SyntaxNode, parent: SyntaxNode | undefined) => void): void {
  const go = (current: SyntaxNode, parent: SyntaxNode | undefined): void => {
    visitor(current, parent)
    for (const key in current) {
      const value = current[key]
      if (Array.isArray(value)) {
        for (const item of value) if (isNode(item)) go(item, current)
      } else if (isNode(value)) go(value, current)
    }
  }
  go(node, undefined)
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

/** The text of a string literal; undefined for anything else. */
export function stringOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined
}

function importsOf(program: SyntaxNode, lineOf: (offset: number) => number): Import[] {
  const imports: Import[] = []
  visit(program, (node) => {
    const from = stringOf(node['source'])
    if (from === undefined) return
    const line = lineOf(node.start)
    if (node.type === 'ImportDeclaration') imports.push({ from, line, typeOnly: isTypeOnly(node, 'importKind') })
    else if (node.type === 'ExportNamedDeclaration' || node.type === 'ExportAllDeclaration') {
      imports.push({ from, line, typeOnly: isTypeOnly(node, 'exportKind') })
    } else if (node.type === 'ImportExpression') imports.push({ from, line, typeOnly: false })
    else if (node.type === 'TSImportType') imports.push({ from, line, typeOnly: true })
  })
  return imports
}

/** `import type …`, or an import of which every name is marked `type`. */
function isTypeOnly(node: SyntaxNode, kind: 'importKind' | 'exportKind'): boolean {
  if (node[kind] === 'type') return true
  const specifiers = node['specifiers']
  return (
    Array.isArray(specifiers) && specifiers.length > 0 && specifiers.every((specifier) => specifier[kind] === 'type')
  )
}
