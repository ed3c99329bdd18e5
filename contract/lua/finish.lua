-- ARGV: id, token, outcome, status, then further fields and their values
-- Returns 'finished', or 'stale' when another execution holds the job or it has ended otherwise; the token that stays
-- in the record names the execution whose assets are published. Repeating it with the same token changes nothing.
local id, token, outcome, status = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local job = job_key(id)
local fields = redis.call('HMGET', job, 'token', 'status', 'outcome')
if fields[1] == token and fields[3] == outcome then return 'finished' end
if fields[1] ~= token or fields[2] ~= 'in_progress' then
  count('stale_finishes')
  return 'stale'
end
redis.call('HSET', job, 'status', status, 'outcome', outcome, 'completed_at', stamp, 'progress', 100, unpack(ARGV, 5))
redis.call('ZREM', LEASES, id)
move(id, 'in_progress', status)
count('finished:' .. outcome)
announce(id, status, nil, 100)
return 'finished'
