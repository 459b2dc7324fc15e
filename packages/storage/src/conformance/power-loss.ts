/** Runs `work` until it ends or power is lost; says which. What `work` throws counts only while there is power. */
export async function untilPowerLoss(lost: Promise<void>, work: Promise<void>): Promise<'done' | 'lost'> {
  let dark = false
  const darkness = lost.then((): 'lost' => {
    dark = true
    return 'lost'
  })
  const done = work.then(
    (): 'done' => 'done',
    async (error: unknown): Promise<'lost'> => {
      // The dead process may learn of it before we do.
      for (let turn = 0; turn < 10 && !dark; turn++) await Promise.resolve()
      if (!dark) throw error
      return 'lost'
    },
  )
  return Promise.race([darkness, done])
}
