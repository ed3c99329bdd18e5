-- ARGV: lease in ms, then id and token of each running execution
-- Returns two lists: ids whose execution is no longer the current one, ids that are to be cancelled.
pulse(tonumber(ARGV[1]))
local lost, cancelled = {}, {}
for i = 2, #ARGV, 2 do
  local id, token = ARGV[i], ARGV[i + 1]
  local fields = redis.call('HMGET', job_key(id), 'token', 'status', 'cancel_requested')
  if fields[1] ~= token or fields[2] ~= 'in_progress' then
    lost[#lost + 1] = id
  else
    redis.call('ZADD', LEASES, now_ms + ARGV[1], id)
    if fields[3] == '1' then cancelled[#cancelled + 1] = id end
  end
end
return { lost, cancelled }
