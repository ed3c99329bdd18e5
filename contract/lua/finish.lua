-- ARGV: id, token, outcome, status, a total to count besides or '', then further fields and their values
-- Returns 'finished', 'stale' when another execution holds the job or it has ended otherwise, or 'unknown' when there is
-- no such job: it was deleted, or Redis has lost its data. The token that stays
-- in the record names the execution whose assets are published. Repeating it with the same token changes nothing.
local id, token, outcome, status, besides = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local job = job_key(id)
local fields = redis.call('HMGET', job, 'token', 'status', 'outcome')
if fields[1] == token and fields[3] == outcome then return 'finished' end
if not fields[2] then return 'unknown' end
if fields[1] ~= token or fields[2] ~= 'in_progress' then
  count('stale_finishes')
  return 'stale'
end
redis.call('HSET', job, 'status', status, 'outcome', outcome, 'completed_at', stamp, 'progress', 100, unpack(ARGV, 6))
redis.call('ZREM', LEASES, id)
move(id, 'in_progress', status)
count('finished:' .. outcome)
if besides ~= '' then count(besides) end
announce(id, status, nil, 100)
return 'finished'
