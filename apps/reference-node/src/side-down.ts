/** The exit code of a node whose side of a split cluster does not go on. It may be started again: it takes part once it reaches the others. */
export const EXIT_SIDE_DOWN = 4

/** What whoever runs the node has to know then: the same as in the README under "A split cluster". */
export const SIDE_DOWN_HINT: string =
  'The split-brain resolver of this node has decided that another side of the cluster goes on, or that none can. ' +
  'Find out why the nodes do not reach each other. This node may be started again at any time.'
