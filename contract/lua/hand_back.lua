-- ARGV: id, token, why ('handed_back' or 'errors'), ms until it is due; 0: at its old place in the queue
-- Returns 1 when the job is in the queue again (or ended, if that was asked), 0 when the execution was no longer the current one.
local id, token, cause, delay_ms = unpack(ARGV)
if not is_held(id, token) then return 0 end
requeue(id, cause, tonumber(delay_ms))
return 1
