-- Why the owners of some streams shall end them.
-- KEYS  of each: meta
-- Answers for each: why, or nothing.
local function asked(meta)
  local found = redis.call('HMGET', meta, 'tail', 'stop')
  if not found[1] then return '' end
  local _, _, ended = parse(found[1])
  return ended and '' or why(found[2])
end

local answers = {}
for i, meta in ipairs(KEYS) do
  -- One that cannot be read harms no other: its next append says what is wrong.
  local done, answer = pcall(asked, meta)
  answers[i] = done and answer or ''
end
return answers
